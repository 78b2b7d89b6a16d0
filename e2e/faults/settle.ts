// Invariant 6: after the faults stop, everything comes to its end by itself. Called by the fault tests before they look
// at the evidence; what is unfinished when time is up the checker reports row by row.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "../devstack/step-probe.ts";
import type { FaultStack } from "./fault-stack.ts";
import { readLedger } from "./ledger.ts";

export interface Settled {
  isSettled: boolean;
  tookMs: number;
  /** Folders on hosts and processes of steps that are still there. */
  leftovers: string[];
}

export async function settle(faults: FaultStack, limitMs: number): Promise<Settled> {
  const began = performance.now();
  for (;;) {
    const [unfinished, leftovers] = [await countUnfinished(faults), findLeftovers(faults)];
    const tookMs = performance.now() - began;
    const isSettled = unfinished === 0 && leftovers.length === 0;
    if (isSettled || tookMs > limitMs) return { isSettled, tookMs, leftovers };
    await sleep(250);
  }
}

/** Undefined while the database cannot be asked. */
async function countUnfinished(faults: FaultStack): Promise<number | undefined> {
  const rows = await faults.owner()<{ n: bigint }[]>`
      select (select count(*) from automation.executions where finished_at is null)
           + (select count(*) from automation.assignments where finished_at is null) as n`.catch(() => []);
  return rows[0] && Number(rows[0].n);
}

function findLeftovers(faults: FaultStack): string[] {
  const folders = faults.agents.flatMap((agent) => faults.spawnFolders(agent).map((at) => `${agent.name}: ${at}`));
  const pids = new Set(readLedger(faults.ledgerFile).flatMap(({ kind, pid }) => (kind === "start" ? [pid] : [])));
  const alive = [...pids].filter((pid) => isRunning(pid) && isStepBelow(pid, faults.stack.folder));
  return [...folders, ...alive.map((pid) => `process ${pid} of a step`)];
}

/** A pid is given again, and a supervisor that waits for work is in our folders too: only a step has its step's name. */
function isStepBelow(pid: number, folder: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    return environment.some((pair) => pair.startsWith(`OC_OUTPUT=${folder}`));
  } catch {
    return false; // gone meanwhile
  }
}
