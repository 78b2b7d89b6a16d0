// Runs one job document here and now without a controller, by the same road as an offer: for writing jobs and for
// finding out why one fails on this very host. Behind `opsconductor-agent exec`.
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import type { Logger } from "pino";
import type { EventBody } from "../journal/journal.ts";
import { MemoryJournal } from "../journal/memory-journal.ts";
import type { OfferMessage } from "../link/host.ts";
import { removeFolderNow } from "../output/remove-folder.ts";
import { createHost, type RunningHost } from "./create-host.ts";

export interface OfflineRun {
  definition: Uint8Array;
  /** As typed: `name=value`. */
  inputs: readonly string[];
  environment: NodeJS.ProcessEnv;
  policyPath: string | undefined;
  log: Logger;
  /** Aborting cancels the job; `finally` still runs. */
  signal: AbortSignal;
  writeOutput(bytes: Uint8Array): void;
  writeLine(line: string): void;
}

const fence = 1n;
const key = { assignmentId: randomUUID(), attempt: 1 };

/** True when the job succeeded. */
export async function runOffline(run: OfflineRun): Promise<boolean> {
  const stateFolder = mkdtempSync(join(tmpdir(), "opsconductor-exec-"));
  const policy = run.policyPath === undefined ? {} : { policyPath: run.policyPath };
  const { environment, log } = run;
  const host = createHost({
    stateFolder,
    environment,
    log,
    journal: new MemoryJournal(),
    settings: { waitingSupervisors: 0 },
    ...policy,
  });
  try {
    return await follow(host, run);
  } finally {
    host.close();
    removeFolderNow(stateFolder);
  }
}

async function follow(host: RunningHost, run: OfflineRun): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const printed = new Map<string, bigint>();
  let seq = 0n;
  let busy = Promise.resolve();
  const look = async () => {
    for (const event of host.eventsAfter(fence, seq, 1000)) {
      seq = event.seq;
      if (event.body.kind === "tryFinished") await printOutput(host, printed, run, event.body.stepId);
      const line = describe(event.body);
      if (line !== "") run.writeLine(line);
      const end = finalState(event.body);
      if (end !== undefined) over.resolve(end === "succeeded");
    }
    await printOutput(host, printed, run, undefined);
  };
  host.onReady(() => {
    busy = busy.then(look).catch(over.reject);
  });
  run.signal.addEventListener("abort", () =>
    host.receiveDesire({ ...key, fence, want: "cancel", releaseThroughStep: 0, reason: "interrupted" }),
  );
  host.receiveOffer(offerOf(run), Date.now());
  if (host.degraded() !== "") throw new Error(host.degraded());
  return over.promise;
}

/** What is new, of one step or of all. */
async function printOutput(
  host: RunningHost,
  printed: Map<string, bigint>,
  run: OfflineRun,
  stepId: string | undefined,
): Promise<void> {
  for (const source of host.outputSources()) {
    if (stepId !== undefined && source.stepId !== stepId) continue;
    const name = `${source.stepId}/${source.try}`;
    for (let at = printed.get(name) ?? 0n; at < source.availableBytes; printed.set(name, at)) {
      const bytes = await host.readOutput(source, at, 64 * 1024);
      if (bytes.length === 0) break;
      run.writeOutput(bytes);
      at += BigInt(bytes.length);
    }
  }
}

function describe(body: EventBody): string {
  switch (body.kind) {
    case "denied":
      return `denied (${body.code}): ${body.reason}`;
    case "tryStarting":
      return `── ${body.stepId}${body.try > 1 ? `, try ${body.try}` : ""}`;
    case "tryFinished":
      return body.gaps.map((gap) => `── ${gap.omittedBytes} bytes of output were left out`).join("\n");
    case "stepFinished":
      return body.state === "succeeded" ? "" : `── ${body.stepId} ${body.state}${body.reason && `: ${body.reason}`}`;
    case "finished":
      return `── ${body.state}${body.reason && `: ${body.reason}`}`;
    default:
      return "";
  }
}

function finalState(body: EventBody): string | undefined {
  if (body.kind === "finished") return body.state;
  return body.kind === "denied" ? "denied" : undefined;
}

function offerOf({ definition, inputs }: OfflineRun): OfferMessage {
  return {
    ...{ ...key, fence, executionId: randomUUID(), executionNumber: 1n, stageId: "main" },
    ...{ definition, definitionMediaType: "text/yaml", releaseThroughStep: 0xffffffff, startBeforeMs: 0 },
    definitionSha256: createHash("sha256").update(definition).digest(),
    inputsJson: Buffer.from(JSON.stringify(typedInputs(definition, inputs))),
    needsOutputsJson: Buffer.from("{}"),
    target: { id: "", name: hostname(), servicesJson: Buffer.from("[]"), secretNames: [] },
  };
}

/** Typed as the job declares them; what it does not declare stays text and is refused like any other offer's. */
function typedInputs(definition: Uint8Array, inputs: readonly string[]): Record<string, unknown> {
  const specs = parseJob(Buffer.from(definition).toString()).job?.inputs ?? {};
  return Object.fromEntries(
    inputs.map((input) => {
      const [name = "", ...rest] = input.split("=");
      const text = rest.join("=");
      const type = Object.hasOwn(specs, name) ? specs[name]!.type : "string";
      return [name, typed(type, text)];
    }),
  );
}

function typed(type: string, text: string): unknown {
  if (type === "integer" || type === "number") return text.trim() === "" ? text : Number(text);
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return type === "list" ? text.split(",") : text;
}
