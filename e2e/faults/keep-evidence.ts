// Keeps what a person needs to find out why an invariant was broken: logs, the ledger, rows and their history. Called by the
// commands before the stack is removed.
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Evidence } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";

export function keepEvidence(faults: FaultStack, evidence: Evidence, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const logs = readdirSync(faults.stack.folder).filter((name) => name.endsWith(".log"));
  for (const name of logs) copyFileSync(join(faults.stack.folder, name), join(folder, name));
  const { readOutput: _output, ...rows } = evidence;
  const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  writeFileSync(join(folder, "evidence.json"), JSON.stringify(rows, text, 1));
}
