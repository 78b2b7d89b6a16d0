// contract/src/job → docs/job.schema.json for editors, and the tables inside docs/jobs.md: every key out of the schema,
// every error out of the parser itself. Called by main.ts. The text around the tables is written by hand.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { durationPattern } from "@opsconductor/contract/job/duration";
import { jobJsonSchema } from "@opsconductor/contract/job/job-json-schema";
import { laterKeys } from "@opsconductor/contract/job/job-schema";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import { sizePattern } from "@opsconductor/contract/job/size";
import type { JsonSchema } from "@opsconductor/contract/job/to-json-schema";
import { wrongJobs } from "./wrong-jobs.ts";

const page = "docs/jobs.md";

export async function generateJobPages(root: string): Promise<Map<string, string>> {
  const schema = jobJsonSchema();
  const text = await readFile(join(root, page), "utf8");
  checkExamples(text);
  const tables = { keys: keyTables(schema), later: laterList(), errors: errorTable() };
  return new Map([
    ["docs/job.schema.json", `${JSON.stringify(schema, null, 2)}\n`],
    [page, Object.entries(tables).reduce(fill, text)],
  ]);
}

/** Every example of the page is a job that can be saved. */
function checkExamples(text: string): void {
  for (const [, example] of text.matchAll(/```yaml\n([\s\S]*?)```/g)) {
    const [error] = parseJob(example!).errors;
    if (error) throw new Error(`an example of ${page} is refused at ${error.line}:${error.column}: ${error.message}`);
  }
}

/** Replaces what stands between `<!-- begin:name … -->` and `<!-- end:name -->`. */
function fill(text: string, [name, table]: [string, string]): string {
  const region = new RegExp(`(<!-- begin:${name}\\b[^>]*-->\n)[\\s\\S]*?(<!-- end:${name} -->)`);
  if (!region.test(text)) throw new Error(`${page} has no region ${name}`);
  return text.replace(region, (_, begin, end) => `${begin}\n${table}\n\n${end}`);
}

/** One table of keys. */
export interface Section {
  title: string;
  schema: JsonSchema;
}

function keyTables(root: JsonSchema): string {
  const { inputs, targets, limits, steps, rollout, approval, concurrency, stages } = root.properties as Record<
    string,
    JsonSchema
  >;
  const step = steps!.items!;
  const input = inputs!.additionalProperties as JsonSchema;
  const sections: Section[] = [
    { title: "A job", schema: root },
    ...input.oneOf!.map((schema) => ({ title: `inputs.‹name› with type: ${schema.properties!.type!.const}`, schema })),
    { title: "targets", schema: targets! },
    { title: "limits", schema: limits! },
    { title: "A step, in steps, onFailure and finally", schema: step },
    { title: "retry", schema: step.properties!.retry! },
    { title: "A stage, in stages", schema: stages!.additionalProperties as JsonSchema },
    { title: "rollout", schema: rollout! },
    { title: "approval", schema: approval! },
    { title: "concurrency", schema: concurrency! },
  ];
  return sections.map(section).join("\n\n");
}

export function section({ title, schema }: Section): string {
  return [`#### ${title}`, "", ...keyTable(schema)].join("\n");
}

export function keyTable(schema: JsonSchema): string[] {
  const rows = Object.entries(schema.properties!).map(([key, value]) => {
    const required = schema.required?.includes(key) ? " (required)" : "";
    const fallback = value.default === undefined ? "" : `\`${JSON.stringify(value.default)}\``;
    return `| \`${key}\`${required} | ${typeOf(value)} | ${fallback} | ${cell(value.description ?? "")} |`;
  });
  return ["| key | value | default | meaning |", "| --- | --- | --- | --- |", ...rows];
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(" ");
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.pattern === durationPattern.source) return "duration";
  if (schema.pattern === sizePattern.source) return "size";
  if (schema.type === "array") return `list of ${typeOf(schema.items!)}`;
  const names: Record<string, string> = { string: "text", integer: "whole number", boolean: "true or false" };
  return `${names[schema.type!] ?? (schema.type === "object" ? "mapping" : schema.type)}${range(schema)}`;
}

function range({ minimum, maximum }: JsonSchema): string {
  if (minimum === undefined && maximum === undefined) return "";
  return maximum === undefined ? `, at least ${minimum}` : `, ${minimum ?? "…"} to ${maximum}`;
}

function laterList(): string {
  const rows = Object.entries(laterKeys).flatMap(([area, keys]) =>
    Object.entries(keys).map(([key, what]) => `| \`${key}\` | ${area} | ${what} |`),
  );
  return ["| key | in | what it is for |", "| --- | --- | --- |", ...rows].join("\n");
}

/** What the parser answers today, so that the page cannot tell another story. */
function errorTable(): string {
  const rows = wrongJobs.map(({ what, text }) => {
    const [error] = parseJob(text).errors;
    if (!error) throw new Error(`scripts/gen/wrong-jobs.ts: "${what}" is accepted`);
    return `| ${what} | ${error.line}:${error.column} | ${cell(error.message)} |`;
  });
  return ["| what is wrong | line:column | the answer |", "| --- | --- | --- |", ...rows].join("\n");
}

export const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ");
