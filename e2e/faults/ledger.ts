// The ledger that the steps of the fault tests write themselves, outside of controller and agent: one line for each
// start and one for each end that a step lived to see. Written by ledger-step.pl, read by the checker.
import { existsSync, readFileSync } from "node:fs";

interface LedgerCommon {
  execution: string;
  assignment: string;
  step: string;
  target: string;
  attempt: number;
  fence: bigint;
  try: number;
  pid: number;
  /** Seconds since 1970. */
  at: number;
}
export interface LedgerStart extends LedgerCommon {
  kind: "start";
  /** What a stage before gave to it; undefined in jobs without stages. */
  given?: string | undefined;
}
export interface LedgerEnd extends LedgerCommon {
  kind: "end";
  exit: number;
  /** What made it stop before its time: TERM, EPIPE, or `-`. */
  signal: string;
  bytes: number;
  sha256: string;
}
export type LedgerEntry = LedgerStart | LedgerEnd;

/** Every whole line. Throws for one it does not understand: a ledger that is torn proves nothing. */
export function readLedger(file: string): LedgerEntry[] {
  if (!existsSync(file)) return [];
  return parseLedger(readFileSync(file, "utf8"));
}

/** The last line may be in the middle of being written. */
export function parseLedger(text: string): LedgerEntry[] {
  return text.split("\n").slice(0, -1).map(parseLine);
}

function parseLine(line: string): LedgerEntry {
  const [kind, ...pairs] = line.split(" ");
  const values = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
  const text = (name: string): string => {
    const value = values.get(name);
    if (value === undefined || value === "") throw new Error(`The ledger has a line without ${name}: ${line}`);
    return value;
  };
  const number = (name: string): number => {
    const value = Number(text(name));
    if (!Number.isFinite(value)) throw new Error(`The ledger has a line where ${name} is no number: ${line}`);
    return value;
  };
  const common: LedgerCommon = {
    ...{ execution: text("execution"), assignment: text("assignment"), step: text("step"), target: text("target") },
    ...{ attempt: number("attempt"), fence: BigInt(text("fence")), try: number("try"), pid: number("pid") },
    at: number("at"),
  };
  if (kind === "start") return { kind, ...common, given: values.get("given") };
  if (kind !== "end") throw new Error(`The ledger has a line that is neither start nor end: ${line}`);
  const end = { exit: number("exit"), signal: text("signal"), bytes: number("bytes"), sha256: text("sha256") };
  return { kind, ...common, ...end };
}

/** Names one try everywhere: ledger, tables, evidence. */
export function tryKey(of: { assignment: string; attempt: number; step: string; try: number }): string {
  return `${of.assignment}/${of.attempt}/${of.step}/${of.try}`;
}
