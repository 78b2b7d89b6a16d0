// The cache of server state. The live stream keeps it fresh; these are the rules for the rest.
import { QueryClient } from "@tanstack/svelte-query";
import { ApiError } from "./api-error.ts";

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: true,
        // The browser's idea of "online" is about the internet; the controller may be next door without one.
        networkMode: "always",
        retry: (failures, error) => failures < 2 && isWorthRetrying(error),
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 4000),
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}

function isWorthRetrying(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}
