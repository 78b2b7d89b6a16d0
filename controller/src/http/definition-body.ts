// The body of a save: YAML text, JSON that is the definition itself, or an envelope around the text. Read before anything
// else touches it, because the exact bytes are what is stored and signed. Used by routes/jobs.ts.
import { jobEnvelope } from "@opsconductor/contract/api/jobs";
import { OcError } from "@opsconductor/contract/errors";
import { type Http, invalidInput } from "./router.ts";

export interface DefinitionBody {
  definition: { bytes: Uint8Array; mediaType: "text/yaml" | "application/json" };
  message: string;
}

/** For `request.body` of a route: documented, and left to readDefinitionBody to check. */
export const definitionBody = {
  required: true as const,
  content: {
    "text/yaml": { schema: { type: "string" as const, description: "The definition; its exact bytes are kept." } },
    "application/json": {
      schema: {
        type: "object" as const,
        description: 'The definition as JSON, or {"definition": "<YAML text>", "message": "why this version"}.',
      },
    },
  },
};

const yamlTypes = ["text/yaml", "application/yaml", "text/x-yaml", "application/x-yaml"];

export async function readDefinitionBody(c: Http, message = ""): Promise<DefinitionBody> {
  const type = (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  if (yamlTypes.includes(type)) return { definition: { bytes, mediaType: "text/yaml" }, message };
  if (type !== "application/json")
    throw new OcError("unsupported_media_type", "Send the definition as text/yaml or application/json.");
  const value = parseJson(bytes);
  if (!("definition" in value)) return { definition: { bytes, mediaType: "application/json" }, message };
  const envelope = jobEnvelope.safeParse(value);
  if (!envelope.success)
    throw invalidInput({ where: "json", schema: jobEnvelope, input: value, issues: envelope.error.issues });
  const text = Buffer.from(envelope.data.definition);
  return { definition: { bytes: text, mediaType: "text/yaml" }, message: envelope.data.message || message };
}

/** readJsonBody has seen that it is JSON. */
function parseJson(bytes: Uint8Array): object {
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new OcError("invalid_argument", "The body must be a JSON object: the definition, or an envelope around it.");
}
