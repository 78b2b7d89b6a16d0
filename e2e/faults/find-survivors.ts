// Processes of steps that still run, by the names that every step finds in its environment and hands on to its children,
// daemons included. Called by cancel.ts.
import { readdirSync, readFileSync } from "node:fs";

export interface Survivor {
  pid: number;
  assignment: string;
  step: string;
  attempt: number;
  try: number;
}

/** `folder`: of the stack whose steps are looked for. */
export function findSurvivors(folder: string): Survivor[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const environment = readEnvironment(pid);
    const [assignment] = (environment.get("OC_IDEMPOTENCY_KEY") ?? "").split("/");
    const step = environment.get("OC_STEP_ID");
    if (!assignment || !step || !environment.get("OC_OUTPUT")?.startsWith(folder)) return [];
    const numbers = { attempt: Number(environment.get("OC_ATTEMPT")), try: Number(environment.get("OC_TRY")) };
    return [{ pid: Number(pid), assignment, step, ...numbers }];
  });
}

function readEnvironment(pid: string): Map<string, string> {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
  } catch {
    return new Map(); // it ended meanwhile
  }
}
