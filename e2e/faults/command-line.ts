// The options that every fault test takes. Called by main.ts.
import { parseArgs } from "node:util";
import { newSeed } from "./random.ts";

export interface CommandOptions {
  seed: string;
  /** How many faults: kills, partitions, pauses … */
  count: number | undefined;
  /** Where the report goes. */
  report: string | undefined;
  /** Every further `--name value`. */
  others: Record<string, string>;
}

/** `countNames`: the words for the count, such as `kills`. Throws with usage for people. */
export function parseOptions(
  args: readonly string[],
  countName: string,
  others: readonly string[] = [],
): CommandOptions {
  const text = { type: "string" } as const;
  const names = ["seed", "report", countName, ...others];
  const { values } = parseArgs({ args: [...args], options: Object.fromEntries(names.map((name) => [name, text])) });
  const given = values as Record<string, string | undefined>;
  const count = given[countName] === undefined ? undefined : Number(given[countName]);
  if (count !== undefined && (!Number.isInteger(count) || count < 1))
    throw new Error(`--${countName} must be a whole number from 1`);
  const rest = others.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]));
  return { seed: given.seed ?? newSeed(), count, report: given.report, others: Object.fromEntries(rest) };
}
