// What a benchmark measured, and how it is shown: a table for people and one JSON line for machines.
import { cpus, release, totalmem, type } from "node:os";

/** One line of the table. Times are milliseconds unless the name's unit says otherwise. */
export interface Figure {
  name: string;
  value: number;
  unit: "ms" | "MiB" | "KiB" | "×" | "%" | "";
  note?: string;
}

export function print(benchmark: string, about: string, figures: Figure[]): void {
  const width = Math.max(...figures.map((figure) => figure.name.length));
  const lines = figures.map(({ name, value, unit, note }) => {
    const number = value.toFixed(decimalsOf(value, unit)).padStart(10);
    return `  ${name.padEnd(width)} ${number} ${unit.padEnd(3)}${note ? `  ${note}` : ""}`;
  });
  process.stdout.write(`\n${benchmark}: ${about}\non ${machine()}\n\n${lines.join("\n")}\n\n`);
  const values = Object.fromEntries(
    figures.map(({ name, value, unit }) => [`${name}${unit && ` ${unit}`}`, round(value)]),
  );
  process.stdout.write(`${JSON.stringify({ benchmark, machine: machine(), figures: values })}\n`);
}

function machine(): string {
  const gibibytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${gibibytes} GiB, ${type()} ${release()}, Node ${process.versions.node}`;
}

const round = (value: number) => Number(value.toFixed(3));
const decimalsOf = (value: number, unit: Figure["unit"]) =>
  (unit === "ms" && value < 100) || unit === "%" ? 2 : unit === "" ? 0 : 1;

/** The value below which the fraction `p` of `values` lies (nearest rank). */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))]!;
}

export const median = (values: readonly number[]) => percentile(values, 0.5);

/** Runs `work` that often, one after the other, and returns how long each took in milliseconds. */
export async function timed(times: number, work: (index: number) => unknown): Promise<number[]> {
  const durations: number[] = [];
  for (let index = 0; index < times; index++) {
    const started = performance.now();
    await work(index);
    durations.push(performance.now() - started);
  }
  return durations;
}

/** What follows `name` on the command line. */
export function optionOf(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}
