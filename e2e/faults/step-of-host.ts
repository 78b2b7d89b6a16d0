// One job for the fault tests of a host: its script is told by the test, and it notes in the test's own ledger what the
// checker will look for. Called by host-disk.ts, poison.ts and pressure.ts.
import { readFileSync } from "node:fs";
import type { Execution } from "@opsconductor/contract/api/executions";
import { waitFor } from "../devstack/wait-for.ts";
import type { FaultStack } from "./fault-stack.ts";

const over = ["succeeded", "failed", "partial", "cancelled", "timed_out", "skipped"];

/** Saves the job and starts it on one target. `steps` are scripts, by step id. */
export async function startSteps(
  faults: FaultStack,
  name: string,
  target: string,
  steps: Record<string, string>,
  limits: { output?: string } = {},
): Promise<string> {
  const document = {
    ...{ apiVersion: "opsconductor/v1", kind: "Job", name },
    ...(limits.output === undefined ? {} : { limits }),
    steps: Object.entries(steps).map(([id, run]) => ({ id, run })),
  };
  const saved = await faults.api.answer("POST", "/api/v1/jobs", JSON.stringify(document));
  if (saved.status !== 201 && saved.status !== 409) throw new Error(`The job was refused: ${JSON.stringify(saved)}`);
  const headers = { "idempotency-key": name };
  const body = { targets: { names: [target] } };
  const { id } = await faults.api.call<Execution>("POST", `/api/v1/jobs/${name}/execute`, body, headers);
  return id;
}

export async function untilOver(faults: FaultStack, executionId: string, timeoutMs: number): Promise<Execution> {
  return waitFor(
    `execution ${executionId} to end`,
    async () => {
      const execution = await faults.api.call<Execution>("GET", `/api/v1/executions/${executionId}`);
      return over.includes(execution.state) ? execution : undefined;
    },
    { timeoutMs, everyMs: 100 },
  );
}

export interface StoredTry {
  step: string;
  try: number;
  state: string;
  exitCode: number | null;
  storedBytes: number;
  outputBytes: number;
  rawBytes: number;
  outputSha256: string;
  gaps: { offset: number; omittedBytes: number }[];
}

/** As the database holds them. */
export async function triesOf(faults: FaultStack, executionId: string): Promise<StoredTry[]> {
  const sql = await faults.freshOwner();
  return sql<StoredTry[]>`
    select t.step_id as step, t.try, t.state, t.exit_code, t.stored_bytes::float8 as stored_bytes,
      t.output_bytes::float8 as output_bytes, t.raw_bytes::float8 as raw_bytes,
      encode(t.output_sha256, 'hex') as output_sha256, t.gaps
    from automation.tries t join automation.assignments a on a.id = t.assignment_id
    where a.execution_id = ${executionId} order by t.step_id, t.try`;
}

/** Lines that begin with `word`. */
export function countLines(file: string, word: string): number {
  return readOr(file)
    .split("\n")
    .filter((line) => line.startsWith(word)).length;
}

export function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // nobody has written yet
  }
}
