// Sorting and windowing of the table. Pure; table.svelte is the only caller.
import { nameOrder } from "../format/habits.svelte.ts";

export type SortDirection = "asc" | "desc";
export interface Sort {
  column: string;
  direction: SortDirection;
}

/** `name` or `-name`, as it stands in the address. */
export function parseSort(text: string): Sort | undefined {
  if (text === "") return undefined;
  return text.startsWith("-") ? { column: text.slice(1), direction: "desc" } : { column: text, direction: "asc" };
}

export function formatSort(sort: Sort | undefined): string {
  return sort ? (sort.direction === "desc" ? `-${sort.column}` : sort.column) : "";
}

type SortValue = string | number | null | undefined;

/** Numbers by size, text so that web-9 comes before web-10; unknown values last in both directions. */
function compareValues(a: SortValue, b: SortValue, direction: SortDirection): number {
  const aMissing = a === null || a === undefined || a === "";
  const bMissing = b === null || b === undefined || b === "";
  if (aMissing || bMissing) return aMissing === bMissing ? 0 : aMissing ? 1 : -1;
  const order = typeof a === "number" && typeof b === "number" ? a - b : nameOrder().compare(String(a), String(b));
  return direction === "asc" ? order : -order;
}

/** A sorted copy; rows with equal values keep their order. */
export function sortRows<T>(rows: readonly T[], value: (row: T) => SortValue, direction: SortDirection): T[] {
  const keyed = rows.map((row) => ({ row, key: value(row) }));
  keyed.sort((a, b) => compareValues(a.key, b.key, direction));
  return keyed.map(({ row }) => row);
}

/** The columns that fit into `width`: those of the highest priority figure go first, order is kept. */
export function fittingColumns<C extends { width: number; priority?: number }>(
  columns: readonly C[],
  width: number,
): C[] {
  const shown = [...columns];
  let sum = shown.reduce((total, column) => total + column.width, 0);
  while (sum > width) {
    const worst = shown.reduce((a, b) => ((b.priority ?? 0) >= (a.priority ?? 0) ? b : a));
    if (!worst?.priority) break;
    shown.splice(shown.lastIndexOf(worst), 1);
    sum -= worst.width;
  }
  return shown;
}

export interface RowWindow {
  start: number;
  end: number;
  before: number;
  after: number;
}

/** Which of `count` rows of `rowHeight` are near the viewport, and the empty space around them, in pixels. */
export function windowOf(
  count: number,
  rowHeight: number,
  scrollTop: number,
  height: number,
  overscan = 10,
): RowWindow {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight) - overscan;
  const visible = Math.ceil(height / rowHeight) + 2 * overscan;
  const start = Math.max(0, Math.min(first, count - visible));
  const end = Math.min(count, start + visible);
  return { start, end, before: start * rowHeight, after: (count - end) * rowHeight };
}
