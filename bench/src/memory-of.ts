// Memory of running processes from /proc, in MiB. Called by memory.ts, output.ts and agent.ts.
import { readFileSync } from "node:fs";

export interface Memory {
  /** Resident, shared pages counted fully in every process. */
  rss: number;
  /** Resident, shared pages divided among those who share them: these can be summed. */
  pss: number;
  /** Pages that nobody else has. */
  own: number;
  /** Of these, pages without a file: the same whether another process runs the same program or not. */
  anonymous: number;
}

export function memoryOf(pids: number[]): Memory {
  const total: Memory = { rss: 0, pss: 0, own: 0, anonymous: 0 };
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
    total.rss += kib("Rss") / 1024;
    total.pss += kib("Pss") / 1024;
    total.anonymous += kib("Anonymous") / 1024;
    total.own += (kib("Private_Clean") + kib("Private_Dirty")) / 1024;
  }
  return total;
}

/** The processes that `pid` started: PostgreSQL's workers overwrite what the others are found by. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}
