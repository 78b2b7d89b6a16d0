// Keeps the query cache fresh by the event stream while a component is mounted.
import { useQueryClient } from "@tanstack/svelte-query";
import { onMount } from "svelte";
import type { LiveEvent } from "../api/types.ts";
import { LiveCache } from "./apply-live-event.ts";
import { liveStream } from "./live-stream.svelte.ts";

/** Subscribes to `topics`; `onEvent` sees each event besides the cache. */
export function useLive(topics: readonly string[], onEvent?: (event: LiveEvent) => void): void {
  const cache = new LiveCache(useQueryClient());
  onMount(() => {
    const unsubscribe = liveStream.subscribe(topics, {
      onEvent: (event) => {
        cache.apply(event);
        onEvent?.(event);
      },
      onReset: () => cache.reset(),
    });
    return () => {
      cache.flush();
      unsubscribe();
    };
  });
}
