// What can be written at the cursor of a job definition: keys that are still missing and values that are known, from
// the JSON Schema of the format. Pure; code-mirror.ts shows it.
import type { JsonSchema } from "@opsconductor/contract/job/to-json-schema";
import { spotAt, type YamlSpot } from "./yaml-spot.ts";

export interface JobCompletion {
  label: string;
  kind: "key" | "value";
  /** What is written instead of the word; the cursor goes to its end. */
  insert: string;
  detail: string;
  info: string;
  required: boolean;
}

export interface JobCompletions {
  /** Column where the completed word starts. */
  from: number;
  word: string;
  kind: "key" | "value";
  options: JobCompletion[];
}

const indentStep = "  ";

/** Completions at line and column (from 0), or undefined where there is nothing to say. */
export function completeJob(
  schema: JsonSchema,
  lines: readonly string[],
  line: number,
  column: number,
): JobCompletions | undefined {
  const spot = spotAt(lines, line, column);
  if (!spot) return undefined;
  const found = schemasAt([schema], spot).flatMap((one) => branches(one, spot.siblings));
  const options = spot.kind === "key" ? [...keyOptions(found, spot), ...itemOptions(found)] : valueOptions(found);
  if (spot.path.at(-1) === "uses")
    for (const option of options) option.info = actionMeaning(ownersOf(schema, spot), option.label);
  if (options.length === 0) return undefined;
  return { from: spot.from, word: spot.word, kind: spot.kind, options };
}

/** Title and text for the key, or the action, that `column` is in, for hints under the pointer. */
export function describeKey(
  schema: JsonSchema,
  lines: readonly string[],
  line: number,
  column: number,
): { key: string; info: string; detail: string } | undefined {
  const text = lines[line] ?? "";
  const action = describeAction(schema, lines, line, column);
  if (action) return action;
  const match = /^[\s-]*([A-Za-z_][\w.-]*)(?=\s*:)/.exec(text);
  const key = match?.[1];
  if (!match || !key || column > match[0].length || column < match[0].length - key.length) return undefined;
  const spot = spotAt(lines, line, match[0].length);
  if (spot?.kind !== "key") return undefined;
  const owner = schemasAt([schema], spot).flatMap((one) => branches(one, spot.siblings));
  const found = owner.flatMap((one) => childOf(one, key, spot.siblings));
  const described = found.find((one) => one.description) ?? found[0];
  return described && { key, info: described.description ?? "", detail: detailOf(described) };
}

/** The name of an action after `uses:`, in a block or in braces. */
function describeAction(schema: JsonSchema, lines: readonly string[], line: number, column: number) {
  const match = /(?:^|[\s{,-])uses:\s+(["']?)([\w-]+)\1/.exec(lines[line] ?? "");
  const name = match?.[2];
  if (!match || !name) return undefined;
  const end = match.index + match[0].length;
  const spot = spotAt(lines, line, end);
  if (!spot || column > end || column < end - name.length - (match[1]?.length ?? 0)) return undefined;
  const info = actionMeaning(ownersOf(schema, spot), name);
  return info === "" ? undefined : { key: name, info, detail: "" };
}

/** The schemas of the mapping that has the value at the spot. */
function ownersOf(schema: JsonSchema, { path, around }: YamlSpot): JsonSchema[] {
  return schemasAt([schema], { path: path.slice(0, -1), around: around.slice(0, -1) }).flatMap((one) => branches(one));
}

function actionMeaning(steps: readonly JsonSchema[], action: string): string {
  const written = new Map([["uses", action]]);
  return steps.flatMap((step) => chosenParts(step, "with", written))[0]?.description ?? "";
}

/** The schemas that a path leads to; unions are followed in all their branches. */
function schemasAt(schemas: readonly JsonSchema[], { path, around }: Pick<YamlSpot, "path" | "around">): JsonSchema[] {
  let now = [...schemas];
  path.forEach((part, i) => {
    now = now.flatMap((schema) => branches(schema).flatMap((branch) => childOf(branch, part, around[i])));
  });
  return now;
}

/** What `then` says of a key where the constants of its `if` are written beside it. */
function chosenParts(schema: JsonSchema, key: string, siblings: ReadonlyMap<string, string> | undefined): JsonSchema[] {
  return (schema.allOf ?? []).flatMap((rule) => {
    const holds = Object.entries(rule.if.properties ?? {}).every(
      ([name, { const: value }]) => value !== undefined && unquoted(siblings?.get(name) ?? "") === String(value),
    );
    const part = rule.then.properties?.[key];
    return holds && part ? [part] : [];
  });
}

const unquoted = (text: string) => text.replace(/^(["'])(.*)\1$/, "$2");

function childOf(
  schema: JsonSchema,
  part: string | number,
  siblings: ReadonlyMap<string, string> | undefined,
): JsonSchema[] {
  if (typeof part === "number") return schema.items ? [schema.items] : [];
  const chosen = chosenParts(schema, part, siblings);
  if (chosen.length > 0) return chosen;
  const named = schema.properties?.[part];
  if (named) return [named];
  return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
}

/** The branches of a union; those that contradict a constant already written beside the cursor are left out. */
function branches(schema: JsonSchema, siblings?: ReadonlyMap<string, string>): JsonSchema[] {
  const union = schema.oneOf ?? schema.anyOf;
  if (!union) return [schema];
  const all = union.flatMap((branch) => branches(branch));
  const fitting = all.filter((branch) =>
    Object.entries(branch.properties ?? {}).every(([key, property]) => {
      const written = siblings?.get(key);
      return !written || property.const === undefined || String(property.const) === written;
    }),
  );
  return fitting.length > 0 ? fitting : all;
}

function keyOptions(schemas: readonly JsonSchema[], spot: YamlSpot): JobCompletion[] {
  const options = new Map<string, JobCompletion>();
  for (const schema of schemas) {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (options.has(key) || spot.siblings.has(key)) continue;
      options.set(key, {
        label: key,
        kind: "key",
        insert: `${key}:${afterKey(key, property, spot.indent)}`,
        detail: detailOf(property),
        info: property.description ?? "",
        required: schema.required?.includes(key) ?? false,
      });
    }
  }
  return [...options.values()].sort((a, b) => Number(b.required) - Number(a.required));
}

/** What comes after the colon: a place to write the value where its kind is clear. */
function afterKey(key: string, property: JsonSchema, indent: number | undefined): string {
  const [schema = property] = ownShapes(property);
  if (schema.const !== undefined) return ` ${String(schema.const)}`;
  if (indent === undefined) return " ";
  const deeper = `\n${" ".repeat(indent)}${indentStep}`;
  if (key === "run") return ` |${deeper}`;
  if (schema.type === "object") return deeper;
  if (schema.type === "array") return isPlainList(schema) ? " [" : `${deeper}- `;
  return " ";
}

/** The branches of a value without the one that stands for `${{ … }}`, which may be written for nearly all of them. */
function ownShapes(schema: JsonSchema): JsonSchema[] {
  const union = schema.oneOf ?? schema.anyOf ?? [schema];
  const own = union.filter((branch) => branch.pattern !== templatePattern);
  return own.length > 0 ? own : [...union];
}

const templatePattern = "\\$\\{\\{";
const isPlainList = (schema: JsonSchema) => schema.items?.type !== "object";

/** At an item of a sequence that is still empty, the keys of the item are offered by keyOptions; values here. */
function itemOptions(schemas: readonly JsonSchema[]): JobCompletion[] {
  return schemas.every((schema) => schema.properties)
    ? []
    : valueOptions(schemas.filter((schema) => !schema.properties));
}

function valueOptions(schemas: readonly JsonSchema[]): JobCompletion[] {
  const options = new Map<string, JobCompletion>();
  for (const schema of schemas) {
    for (const value of knownValues(schema)) {
      if (options.has(value)) continue;
      const isDefault = schema.default !== undefined && String(schema.default) === value;
      options.set(value, {
        label: value,
        kind: "value",
        insert: value,
        detail: isDefault ? "default" : "",
        info: schema.const === undefined ? "" : (schema.description ?? ""),
        required: false,
      });
    }
  }
  return [...options.values()];
}

function knownValues(schema: JsonSchema): string[] {
  if (schema.enum) return schema.enum.map(String);
  if (schema.const !== undefined) return [String(schema.const)];
  if (schema.type === "boolean") return ["true", "false"];
  const { default: value } = schema;
  return typeof value === "string" && value !== "" ? [value] : typeof value === "number" ? [String(value)] : [];
}

/** A word for what the value is: one of a few, a kind with its bounds. */
function detailOf(schema: JsonSchema): string {
  if (schema.oneOf ?? schema.anyOf) return [...new Set(ownShapes(schema).map(detailOf))].filter(Boolean).join(" | ");
  if (schema.enum) return schema.enum.length <= 4 ? schema.enum.map(String).join(" | ") : "enum";
  if (schema.const !== undefined) return "";
  return schema.type ?? "";
}
