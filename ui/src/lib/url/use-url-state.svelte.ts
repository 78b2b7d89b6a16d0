// Binds a page's list state to the query string, so that links, reloads and back/forward restore it exactly.
import { goto } from "$app/navigation";
import { page } from "$app/state";
import { readUrlState, type UrlSchema, type UrlState, writeUrlState } from "./url-state.ts";

export interface UrlStateHandle<S extends UrlSchema> {
  readonly current: UrlState<S>;
  /** Changes some parameters. `push` adds a history entry (tabs, dialogs); without it the entry is replaced. */
  set(patch: Partial<UrlState<S>>, options?: { push?: boolean }): Promise<void>;
}

export function useUrlState<S extends UrlSchema>(schema: S): UrlStateHandle<S> {
  const current = $derived(readUrlState(schema, page.url.searchParams));
  return {
    get current() {
      return current;
    },
    async set(patch, options = {}) {
      const search = writeUrlState(schema, { ...current, ...patch }, page.url.search);
      if (search === page.url.search) return;
      await goto(`${page.url.pathname}${search}${page.url.hash}`, { replace: !options.push, reset: false });
    },
  };
}
