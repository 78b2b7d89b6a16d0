// Requests of the overview page and of the system's own figures.
import { request } from "./request.ts";
import type { DatabaseState, Overview, System } from "./types.ts";

export const getOverview = (signal?: AbortSignal) => request<Overview>("GET", "overview", { signal });

export const getSystem = (signal?: AbortSignal) => request<System>("GET", "system", { signal });

export const getDatabaseState = (signal?: AbortSignal) => request<DatabaseState>("GET", "system/database", { signal });

export const acceptDatabase = (reason: string) =>
  request<DatabaseState>("POST", "system/database/accept", { body: { reason } });
