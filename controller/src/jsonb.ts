// A value as a jsonb parameter. postgres.js types what JSON can hold, which interfaces of ours never fit for want of an
// index signature; callers make bigint text first, and Date and undefined go as JSON.stringify has them.
import type { Query } from "./context.ts";

export const jsonb = (q: Query, value: unknown) => q.json(value as Parameters<Query["json"]>[0]);
