// Says what is wrong with a definition without saving it. Called by POST jobs/validate, which the editor and CI use.
import type { validateResponse } from "@opsconductor/contract/api/jobs";
import type { z } from "zod";
import { type DefinitionInput, tryDefinition } from "./read-definition.ts";

export function validateJob({ bytes }: DefinitionInput): z.infer<typeof validateResponse> {
  const { job, errors } = tryDefinition(bytes);
  return job ? { valid: true, errors: [], name: job.name } : { valid: false, errors };
}
