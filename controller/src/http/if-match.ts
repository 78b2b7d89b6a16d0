// Optimistic concurrency of REST updates: `ETag: "7"` goes out with a resource, `If-Match: "7"` comes back with a
// change. Used by routes of everything that has a revision.
import { z } from "@hono/zod-openapi";
import { OcError } from "@opsconductor/contract/errors";

/** For `request.headers` of a route. */
export const ifMatchHeader = z.object({
  "if-match": z
    .string()
    .max(64)
    .optional()
    .describe(
      'The revision the change was made against, e.g. "7"; 412 when somebody was faster. Without it the last one wins.',
    ),
});

export const etag = (revision: number) => `"${revision}"`;

/** Undefined when the caller does not care (no header, or `*`). */
export function revisionOf(ifMatch: string | undefined): bigint | undefined {
  if (ifMatch === undefined || ifMatch === "*") return undefined;
  const digits = /^(?:W\/)?"?(\d{1,18})"?$/.exec(ifMatch.trim())?.[1];
  if (digits === undefined)
    throw new OcError("invalid_argument", 'If-Match: write the revision that you read, e.g. "7".');
  return BigInt(digits);
}
