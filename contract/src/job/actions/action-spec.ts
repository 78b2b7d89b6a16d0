// What is declared of an action: its parameters as a zod schema, and what operators must know of it. The catalogue's
// entries have this shape; editors, the documentation, the controller's check and the agent read them. Pure.
import "../../zod-without-eval.ts";
import * as z from "zod";
import { duration as durationWithin } from "../schema-parts.ts";

/** What an action does when only a check was asked for. `looks`: it changes nothing anyway and does its whole work. */
export type CheckKind = "plans" | "looks" | "announces";

export interface ActionSpec {
  /** One sentence, for lists. */
  summary: string;
  /** What else is to be known, as paragraphs of text. */
  notes?: string;
  parameters: z.ZodObject;
  /** Parameters that are code on the other side: no value is ever put into them. */
  code?: readonly string[];
  /** Where values go instead. */
  valuesGo?: string;
  outputs?: Record<string, string>;
  check: CheckKind;
  /** Where it can run, in words; everywhere unless told. */
  platforms?: string;
  /** Reaches another machine from the agent that runs it. */
  gateway?: boolean;
  /** A step that shows it, as YAML. */
  example: string;
}

/** Types are taken from the definition itself. */
export function actionSpec<const S extends ActionSpec>(spec: S): S {
  return spec;
}

export const absolutePath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => /^(\/|[A-Za-z]:[\\/])/.test(path), "must be an absolute path")
  .refine((path) => !path.includes("\0"), "must have no NUL character");

export const fileMode = z
  .string()
  .regex(/^[0-7]{3,4}$/, 'must be octal digits in quotes, like "0644"')
  .describe('Permissions as octal digits in quotes, like "0640".');

export const accountName = z
  .string()
  .regex(/^([A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]{1,10})$/, "must be a name like www-data, or a number");

/** Who may do what with a file: the same for all actions that write files. */
export const ownership = {
  mode: fileMode.optional(),
  owner: accountName.optional().describe("Owner, by name or number; stays as it is unless told."),
  group: accountName.optional().describe("Group, by name or number; stays as it is unless told."),
};

export const showDiff = z
  .boolean()
  .default(true)
  .describe("Show what changes in the output; false for content that is nobody's business.");

export const backup = z
  .boolean()
  .default(false)
  .describe("Keep what was there before beside it, as ‹name›.‹time›.bak.");

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
  .describe("Expected checksum; anything else is refused and nothing is written.");

export const hostName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9_.:%[\]-]+$/, "must be a host name or an address");
export const port = z.int().min(1).max(65535);

export const duration = (maxMs: number, range: string) => durationWithin(0, maxMs, range);

export const oneLine = z.string().refine((text) => !/[\n\r\0]/.test(text), "must be one line");

export const credential = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "must be the name of a credential")
  .describe("Name of a credential that the agent itself holds; see the page on credentials.");
