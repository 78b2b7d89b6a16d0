// The text templates of the action `template`: places, repetitions and conditions, and nothing that runs. The schema
// checks them when a job is saved, the agent renders them. Pure.

type Part =
  | { kind: "text"; text: string }
  | { kind: "value"; name: string; line: number }
  | { kind: "section"; name: string; inverted: boolean; line: number; parts: Part[] };

export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const tag = /(?<!\{)\{\{\s*([#^/]?)\s*((?:[A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z_][A-Za-z0-9_]*)*|\.)\s*\}\}(?!\})/g;
const maxDepth = 20;
const maxResult = 4 * 1024 * 1024;

/** The first problem of a template, or undefined. */
export function templateProblem(source: string): string | undefined {
  try {
    parse(source);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

/** Throws TemplateError with the line of the template. */
export function renderTemplate(source: string, values: Record<string, unknown>): string {
  const output: string[] = [];
  let length = 0;
  const write = (text: string) => {
    length += text.length;
    if (length > maxResult) throw new TemplateError("the result is larger than 4 MiB");
    output.push(text);
  };
  render(parse(source), [values], write);
  return output.join("");
}

function parse(source: string): Part[] {
  const root: Part[] = [];
  const open: { name: string; line: number; parts: Part[] }[] = [];
  let position = 0;
  let parts = root;
  const text = (until: number) => {
    const between = source.slice(position, until);
    const stray = between.indexOf("{{");
    if (stray >= 0)
      throw new TemplateError(
        `line ${lineOf(source, position + stray)}: only {{ name }}, {{#name}}, {{^name}} and {{/name}} are known`,
      );
    if (between !== "") parts.push({ kind: "text", text: between });
  };
  for (const match of source.matchAll(tag)) {
    const [whole, sign, name] = match as unknown as [string, string, string];
    const line = lineOf(source, match.index);
    // A section's tag alone on its line takes the line with it, as in Mustache.
    const alone = sign === "" ? undefined : standsAlone(source, match.index, whole.length);
    text(alone?.from ?? match.index);
    position = alone?.to ?? match.index + whole.length;
    if (sign === "") parts.push({ kind: "value", name, line });
    else if (sign === "/") {
      const section = open.pop();
      if (section?.name !== name) throw new TemplateError(`line ${line}: {{/${name}}} closes nothing that is open`);
      parts = open.at(-1)?.parts ?? root;
    } else {
      if (open.length >= maxDepth) throw new TemplateError(`line ${line}: sections are nested too deep`);
      const section: Part = { kind: "section", name, inverted: sign === "^", line, parts: [] };
      parts.push(section);
      open.push({ name, line, parts: section.parts });
      parts = section.parts;
    }
  }
  text(source.length);
  const left = open.at(-1);
  if (left) throw new TemplateError(`line ${left.line}: {{#${left.name}}} is never closed`);
  return root;
}

function standsAlone(source: string, at: number, length: number): { from: number; to: number } | undefined {
  const from = source.lastIndexOf("\n", at - 1) + 1;
  const end = source.indexOf("\n", at + length);
  const to = end < 0 ? source.length : end + 1;
  const around = source.slice(from, at) + source.slice(at + length, to);
  return around.trim() === "" ? { from, to } : undefined;
}

function render(parts: readonly Part[], scopes: readonly unknown[], write: (text: string) => void): void {
  for (const part of parts) {
    if (part.kind === "text") write(part.text);
    else if (part.kind === "value") write(asText(lookUp(part.name, scopes, part.line), part));
    else renderSection(part, scopes, write);
  }
}

function renderSection(
  part: Part & { kind: "section" },
  scopes: readonly unknown[],
  write: (text: string) => void,
): void {
  const value = lookUp(part.name, scopes, part.line);
  const empty = value === false || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  if (part.inverted) {
    if (empty) render(part.parts, scopes, write);
  } else if (Array.isArray(value)) for (const item of value) render(part.parts, [...scopes, item], write);
  else if (!empty) render(part.parts, typeof value === "object" ? [...scopes, value] : scopes, write);
}

/** Own properties only: nothing of the language behind the values can be reached. */
function lookUp(name: string, scopes: readonly unknown[], line: number): unknown {
  if (name === ".") return scopes.at(-1);
  const [first, ...rest] = name.split(".");
  const scope = scopes.findLast((candidate) => owns(candidate, first!));
  let value: unknown = scope === undefined ? undefined : (scope as Record<string, unknown>)[first!];
  for (const key of rest) value = owns(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  if (value === undefined) throw new TemplateError(`line ${line}: there is no value for ${name}`);
  return value;
}

function owns(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
}

function asText(value: unknown, { name, line }: { name: string; line: number }): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new TemplateError(`line ${line}: ${name} is a list or a mapping: repeat it with {{#${name}}}…{{/${name}}}`);
}

const lineOf = (source: string, offset: number) => source.slice(0, offset).split("\n").length;
