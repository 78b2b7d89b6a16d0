// Binds a page's list state to the query string, so that links, reloads and back/forward restore it exactly.
import { goto } from "$app/navigation";
import { page } from "$app/state";
import { readUrlState, type UrlSchema, type UrlState, writeUrlState } from "./url-state.ts";

export interface UrlStateHandle<S extends UrlSchema> {
  readonly current: UrlState<S>;
  /**
   * Changes some parameters. `push` adds a history entry (tabs, dialogs); without it the entry is replaced. `hash` goes
   * with what it points into; unless told it stays.
   */
  set(patch: Partial<UrlState<S>>, options?: { push?: boolean; hash?: string }): Promise<void>;
}

export function useUrlState<S extends UrlSchema>(schema: S): UrlStateHandle<S> {
  const current = $derived(readUrlState(schema, page.url.searchParams));
  return {
    get current() {
      return current;
    },
    async set(patch, options = {}) {
      const search = writeUrlState(schema, { ...current, ...patch }, page.url.search);
      const hash = options.hash ?? page.url.hash;
      if (search === page.url.search && hash === page.url.hash) return;
      await goto(`${page.url.pathname}${search}${hash}`, { replace: !options.push, reset: false });
    },
  };
}
