// Labels as editable rows, and their rules (those of the contract). Pure; the labels editor and its forms use it.

export interface LabelRow {
  key: string;
  value: string;
}

const keyPattern = /^[A-Za-z_][A-Za-z0-9_./-]{0,62}$/;

export function labelRows(labels: Readonly<Record<string, string>>): LabelRow[] {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}

/** The labels that rows mean; rows without key and value are not there yet. */
export function labelsOf(rows: readonly LabelRow[]): Record<string, string> {
  return Object.fromEntries(
    rows.filter((row) => row.key.trim() !== "").map((row) => [row.key.trim(), row.value.trim()]),
  );
}

export type LabelProblem = "key" | "twice";

/** What is wrong with row `index`, if anything. */
export function labelRowProblem(rows: readonly LabelRow[], index: number): LabelProblem | undefined {
  const row = rows[index];
  if (!row || (row.key.trim() === "" && row.value.trim() === "")) return undefined;
  const key = row.key.trim();
  if (!keyPattern.test(key)) return "key";
  return rows.some((other, i) => i < index && other.key.trim() === key) ? "twice" : undefined;
}

export function labelRowsError(rows: readonly LabelRow[]): boolean {
  return rows.some((_, index) => labelRowProblem(rows, index) !== undefined);
}
