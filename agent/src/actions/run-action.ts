// One action in its own process: reads what is asked, looks, tells the changes, makes them, and leaves its result in one
// piece. Called by action.ts, the program beside the agent's.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { type ActionRequest, type ActionResult, maxResultBytes, requestFile, resultFile } from "./action-files.ts";
import { loadAction } from "./load-action.ts";
import { defaultCredentialFolder } from "./support/credentials.ts";
import { Programs } from "./support/run-program.ts";
import { Secrets } from "./support/secrets.ts";

/** Of one output: the rest of a step's outputs must fit too. */
const maxOutputLength = 64 * 1024;
const maxDiffLength = 256 * 1024;

/** The exit code: 0 when it succeeded. */
export async function runAction(folder: string, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const request = JSON.parse(readFileSync(join(folder, requestFile), "utf8")) as ActionRequest;
  const { check, madeBefore = [], execution, credentialFolder = defaultCredentialFolder } = request;
  const programs = new Programs(environment, signal);
  const secrets = new Secrets();
  const hide = (name: string, value: string) => secrets.add(name, value);
  const log = (line: string) => void process.stdout.write(`${secrets.clean(line)}\n`);
  const context = { signal, log, check, madeBefore, folder, execution, programs, hide, credentialFolder };
  try {
    const result = await perform(request, context);
    writeResult(folder, secrets, result);
    return 0;
  } catch (error) {
    const known = error instanceof ActionFailed;
    const message = signal.aborted ? "it was stopped" : describe(error as Error);
    log(known ? message : ((error as Error).stack ?? message));
    writeResult(folder, secrets, { changed: false, outputs: known ? error.outputs : {}, message });
    return 1;
  }
}

/** Throws what the action throws. */
export async function perform(request: ActionRequest, context: ActionContext): Promise<ActionResult> {
  const action = await loadAction(request.uses);
  const plan = await action(request.parameters, context);
  try {
    return await carryOut(plan, context);
  } finally {
    await plan.done?.();
  }
}

async function carryOut(plan: ActionPlan, context: ActionContext): Promise<ActionResult> {
  tell(plan, context);
  const { changes, outputs = {}, message = "" } = plan;
  if (changes.length === 0) return { changed: false, outputs, message };
  if (context.check) return { changed: true, outputs, message: `would change: ${changes.join("; ")}` };
  const end = (await plan.apply?.()) ?? {};
  const changed = end.changed ?? true;
  return { changed, outputs: { ...outputs, ...end.outputs }, message: end.message ?? changes.join("; ") };
}

function tell({ changes, diff }: ActionPlan, { log, check }: ActionContext): void {
  for (const change of changes) log(check ? `would ${change}` : change);
  if (diff) log(diff.length > maxDiffLength ? `${diff.slice(0, maxDiffLength)}\n… (the rest is left out)` : diff);
}

/** Errors of the system say what failed and where; the step's reason is one line. */
function describe(error: Error): string {
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC") return `there is no space left on the disk of ${path ?? "this host"}`;
  if (code === "EACCES" || code === "EPERM")
    return `the agent may not ${syscall ?? "do this"}${path ? ` ${path}` : ""}`;
  return error.message.split("\n")[0]!;
}

function writeResult(folder: string, secrets: Secrets, { changed, outputs, message }: ActionResult): void {
  const cut = (text: string) => secrets.clean(text).slice(0, maxOutputLength);
  const result: ActionResult = {
    changed,
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, cut(value)])),
    message: oneLine(secrets.clean(message)),
  };
  let text = JSON.stringify(result);
  if (Buffer.byteLength(text) > maxResultBytes)
    text = JSON.stringify({
      ...result,
      outputs: {},
      message: `${result.message} (its outputs were too large to keep)`,
    });
  const path = join(folder, resultFile);
  const file = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

function oneLine(message: string): string {
  const line = message.replaceAll(/\s*\n\s*/g, " | ");
  return line.length > 2000 ? `${line.slice(0, 1999)}…` : line;
}
