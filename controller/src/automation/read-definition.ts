// A saved definition: its exact bytes, and the job they mean. Called by every verb that takes one.
import { createHash } from "node:crypto";
import { type FieldError, OcError } from "@opsconductor/contract/errors";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import { unstorablePath } from "../assets/storable-text.ts";

export interface DefinitionInput {
  /** Kept as they are: signatures are made over them. */
  bytes: Uint8Array;
  mediaType: "text/yaml" | "application/json";
}

export interface ReadDefinition extends DefinitionInput {
  job: Job;
  sha256: Buffer;
}

export function readDefinition(input: DefinitionInput): ReadDefinition {
  const { read, errors } = readJob(input);
  if (!read) throw new OcError("invalid_argument", summaryOf(errors), { errors });
  return read;
}

/** Never throws for what the text says. */
export function readJob(input: DefinitionInput): { read: ReadDefinition | undefined; errors: FieldError[] } {
  const { job, errors } = tryDefinition(input.bytes);
  if (!job) return { read: undefined, errors };
  return { read: { ...input, job, sha256: createHash("sha256").update(input.bytes).digest() }, errors };
}

/** Never throws for what the text says. */
export function tryDefinition(bytes: Uint8Array): { job: Job; errors: [] } | { job: undefined; errors: FieldError[] } {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return { job: undefined, errors: [{ path: "", message: "the definition is not UTF-8 text", line: 1, column: 1 }] };
  }
  const parsed = parseJob(text);
  if (!parsed.job) return parsed;
  const path = unstorablePath(parsed.job);
  if (path === undefined) return parsed;
  return { job: undefined, errors: [{ path, message: "has a NUL character or half a surrogate pair; remove it" }] };
}

function summaryOf(errors: readonly FieldError[]): string {
  const first = errors[0]!;
  const place = first.line === undefined ? "" : `line ${first.line}, column ${first.column}: `;
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return `The definition cannot be used: ${place}${first.path ? `${first.path}: ` : ""}${first.message}${rest}`;
}
