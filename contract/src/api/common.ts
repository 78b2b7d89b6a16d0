// Shapes that every resource shares: ids, times, pages, problems.
import "../zod-without-eval.ts";
import * as z from "zod";
import { oneLineProblem } from "../one-line.ts";

export const id = z.uuid().describe("UUIDv7");
export const instant = z.iso.datetime({ offset: true }).describe("RFC 3339, UTC");
/** Free text that is shown on one line: names, titles, reasons. Nothing in it is invisible or turns other text around. */
export const lineText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .superRefine((text, { addIssue }) => {
      const message = oneLineProblem(text);
      if (message !== undefined) addIssue({ code: "custom", message });
    });

export const labels = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_./-]{0,62}$/, "1 to 63 letters, digits and _ . / -, beginning with a letter or _"),
    lineText(256),
  )
  .refine((l) => Object.keys(l).length <= 64, "must have at most 64 labels");
/** Names of targets, agents, jobs: what people type in selectors and URLs. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/,
    "1 to 128 letters, digits, dots, dashes and underscores, with a letter or digit at both ends",
  );

/** Free text of people: whatever a database can store. */
export const storableText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => !text.includes("\0") && text.isWellFormed(), "has a NUL character or half of a surrogate pair");

/** Free JSON that lists carry along for every item, a thousand at a time. */
export const smallRecord = z
  .record(z.string().max(128), z.unknown())
  .refine((value) => JSON.stringify(value).length <= 65_536, "must be at most 64 KiB as JSON");

export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  cursor: z.string().max(512).optional(),
  q: storableText(200).optional().describe("substring of the name"),
});

/** A page: `nextCursor` is absent on the last one. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().optional() });

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string(),
  errors: z
    .array(
      z.object({
        path: z.string(),
        message: z.string(),
        line: z.number().int().optional(),
        column: z.number().int().optional(),
        suggestion: z.string().optional(),
      }),
    )
    .optional(),
  proof: z
    .object({ challenge: z.string().optional(), methods: z.array(z.string()), expiresAt: instant.optional() })
    .optional()
    .describe("what proves the caller where what was sent is not enough"),
  missing: z
    .object({
      permission: z.string(),
      roles: z.array(z.string()).describe("that hold it"),
      givers: z.array(z.string()).describe("users who can grant it"),
    })
    .optional()
    .describe("with permission_denied"),
});
export type Problem = z.infer<typeof problem>;
