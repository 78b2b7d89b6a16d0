// The report of a fault test: Markdown for people, JSON for machines, a table and one JSON line on the terminal. No paths
// and no names of the machine. Called by the commands of main.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import type { Violation } from "./evidence.ts";

export interface ReportTable {
  title: string;
  /** Said above the table. */
  about?: string;
  columns: string[];
  rows: (string | number)[][];
}

/** A page is for reading: a longer table is in the JSON only. */
const mostRows = 100;

export interface Report {
  name: string;
  /** What was done, in a sentence or two. */
  about: string;
  seed: string;
  /** How to make the same plan again. */
  command: string;
  startedAt: Date;
  tookMs: number;
  figures: Record<string, number | string>;
  tables: ReportTable[];
  /** What a reader must know to weigh the figures. */
  notes: string[];
  violations: Violation[];
  /** What the verdict rests on, when not on the invariants. */
  checked?: string;
}

const invariants =
  "stored exactly once (1), states follow their tables (2), at most one start (3), output byte for byte (4), epochs and fences grow (5), nothing stays unfinished (6), and stages, batches, approvals, turns and pauses as documented (flow)";

export function machine(): string {
  const gibibytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${gibibytes} GiB, ${type()} ${release()}, Node ${process.versions.node}`;
}

/** Prints, writes `<name>.md` and `<name>.json` where a folder is given, and returns the exit code. */
export function finishReport(report: Report, folder: string | undefined): number {
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${report.name}.md`), toMarkdown(report));
    writeFileSync(join(folder, `${report.name}.json`), `${JSON.stringify(toJson(report))}\n`);
  }
  const width = Math.max(...Object.keys(report.figures).map((name) => name.length));
  const lines = Object.entries(report.figures).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  process.stdout.write(
    `\n${report.name}: ${report.about}\nseed ${report.seed}, on ${machine()}\n\n${lines.join("\n")}\n\n`,
  );
  for (const { invariant, subject, what } of report.violations.slice(0, 50))
    process.stdout.write(`  VIOLATION of invariant ${invariant}: ${subject} ${what}\n`);
  const { tables: _tables, notes: _notes, ...line } = toJson(report);
  process.stdout.write(`${JSON.stringify({ ...line, violations: report.violations.length })}\n`);
  return report.violations.length > 0 ? 1 : 0;
}

function toJson(report: Report) {
  return {
    ...report,
    machine: machine(),
    startedAt: report.startedAt.toISOString(),
    tookMs: Math.round(report.tookMs),
  };
}

export function toMarkdown(report: Report): string {
  const { name, about, seed, command, violations, figures, notes } = report;
  const head = [
    `# Report of the last full run: ${name}`,
    about,
    `\`${command}\``,
    `- seed \`${seed}\``,
    `- begun ${report.startedAt.toISOString()}, took ${Math.round(report.tookMs / 1000)} s`,
    `- on ${machine()}`,
    `- **${violations.length === 0 ? "0 violations: every promise was kept" : `${violations.length} violations: a promise was broken`}**`,
    `- checked: ${report.checked ?? invariants}`,
  ];
  const facts = table({ title: "Figures", columns: ["what", "value"], rows: Object.entries(figures) });
  const wrong = violations.map((v) => [v.invariant, v.subject, v.what]);
  const found = { title: "Violations", columns: ["invariant", "about", "what"], rows: wrong };
  const parts = [
    `${head.slice(0, 3).join("\n\n")}\n\n${head.slice(3).join("\n")}`,
    facts,
    ...(violations.length > 0 ? [table(found)] : []),
    ...report.tables.map((one) => (one.rows.length > mostRows ? elsewhere(name, one) : table(one))),
    ...(notes.length > 0 ? [`## What to know\n\n${notes.map((note) => `- ${note}`).join("\n")}`] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function table({ title, about, columns, rows }: ReportTable): string {
  const cell = (value: string | number) => String(value).replaceAll("|", "\\|").replaceAll("\n", " ");
  const line = (cells: (string | number)[]) => `| ${cells.map(cell).join(" | ")} |`;
  const lines = [line(columns), line(columns.map(() => "---")), ...rows.map(line)];
  return [`## ${title}`, ...(about ? [about] : []), lines.join("\n")].join("\n\n");
}

function elsewhere(name: string, { title, rows }: ReportTable): string {
  return `## ${title}\n\nThe ${rows.length} rows are in \`${name}.json\` beside this page.`;
}

/** The value below which the fraction `p` of `values` lies (nearest rank); 0 of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? 0;
}
