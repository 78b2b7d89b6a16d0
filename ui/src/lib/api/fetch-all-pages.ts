// Reads a cursor list to its end (or to a cap), for the tables that sort and filter in the browser.
import type { Page } from "./types.ts";

export interface AllPages<T> {
  items: T[];
  /** More exist than `max`: the page says so and asks for a narrower filter. */
  truncated: boolean;
}

export async function fetchAllPages<T>(
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
  max: number,
): Promise<AllPages<T>> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor && items.length < max);
  return { items: items.slice(0, max), truncated: cursor !== undefined || items.length > max };
}
