// `uses: wait-for`: looks again and again until something is there, or no longer there.
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { type Action, type ActionContext, ActionFailed } from "./action.ts";

type Parameters = ActionParameters<"wait-for">;

const lookTimeoutMs = 10_000;

export const waitFor: Action<Parameters> = async (parameters, context) => {
  const what = describe(parameters);
  if (context.check) return { changes: [], message: `would wait for ${what}` };
  const waitedMs = await wait(parameters, context, what);
  return {
    changes: [],
    outputs: { waitedMs: String(waitedMs) },
    message: `${what} after ${(waitedMs / 1000).toFixed(1)} s`,
  };
};

async function wait(parameters: Parameters, context: ActionContext, what: string): Promise<number> {
  const begun = performance.now();
  const limitMs = parseDuration(parameters.timeout)!;
  const wanted = parameters.state === "present";
  for (;;) {
    const { there, detail } = await look(parameters, context);
    const waitedMs = Math.round(performance.now() - begun);
    if (there === wanted) return waitedMs;
    const left = limitMs - waitedMs;
    if (left <= 0) throw new ActionFailed(`${what}: not after ${parameters.timeout}${detail && ` (${detail})`}`);
    await pause(Math.min(parseDuration(parameters.every)!, left), undefined, { signal: context.signal });
  }
}

interface Look {
  there: boolean;
  /** Why not, for people. */
  detail: string;
}

async function look({ port, host, path, url, command }: Parameters, context: ActionContext): Promise<Look> {
  if (port !== undefined) return connects(host, port);
  if (path !== undefined) return { there: existsSync(path), detail: "" };
  if (url !== undefined) return answers(url, context.signal);
  const { code, stderr } = await context.programs.run(command![0]!, command!.slice(1));
  return {
    there: code === 0,
    detail: code === 0 ? "" : `exit code ${code} ${stderr.trim().split("\n").at(-1)}`.trim(),
  };
}

function connects(host: string, port: number): Promise<Look> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (there: boolean, detail: string) => {
      socket.destroy();
      resolve({ there, detail });
    };
    socket.setTimeout(lookTimeoutMs, () => end(false, "no answer"));
    socket.on("connect", () => end(true, ""));
    socket.on("error", (error: NodeJS.ErrnoException) => end(false, error.code ?? error.message));
  });
}

async function answers(url: string, signal: AbortSignal): Promise<Look> {
  try {
    const both = AbortSignal.any([signal, AbortSignal.timeout(lookTimeoutMs)]);
    const response = await fetch(url, { redirect: "manual", signal: both });
    await response.body?.cancel();
    return { there: response.ok, detail: `status ${response.status}` };
  } catch (error) {
    const { cause, message } = error as Error;
    return { there: false, detail: (cause as NodeJS.ErrnoException)?.code ?? message };
  }
}

function describe({ port, host, path, url, command, state }: Parameters): string {
  const gone = state === "absent";
  if (port !== undefined) return `port ${port} of ${host} ${gone ? "refuses" : "accepts"} connections`;
  if (path !== undefined) return `${path} is ${gone ? "gone" : "there"}`;
  if (url !== undefined) return `${url} ${gone ? "fails" : "answers"}`;
  return `${command!.join(" ").slice(0, 100)} ${gone ? "fails" : "succeeds"}`;
}
