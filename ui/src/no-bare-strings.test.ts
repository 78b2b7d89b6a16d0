// Lint as a test: no text for people in components, no {@html}, no default reach to another origin. Parses each
// template with Svelte's own compiler.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parse } from "svelte/compiler";
import { expect, test } from "vitest";

const src = import.meta.dirname;
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".svelte"))
  .map((file) => join(src, file));

/** Attributes and properties that people see or hear. */
const spoken =
  /^(title|label|alt|placeholder|text|heading|hint|description|message|detail|summary|caption|legend|empty|submitLabel|busyLabel|documentTitle|aria-(label|description|valuetext|roledescription|placeholder))$/;
const hasLetters = /\p{L}{2,}/u;
/** In code: a capital letter, then more than one word. */
const sentence = /^\p{Lu}\p{Ll}+[,.]? \p{L}/u;

interface AstNode {
  type: string;
  start: number;
  [key: string]: unknown;
}
const isNode = (value: unknown): value is AstNode =>
  typeof value === "object" && value !== null && typeof (value as AstNode).type === "string";

function* children(node: AstNode): Generator<AstNode> {
  for (const value of Object.values(node)) {
    if (isNode(value)) yield value;
    else if (Array.isArray(value)) yield* value.filter(isNode);
  }
}

/** Texts below `node` that stand where people would read them. */
function* bareTexts(node: AstNode, seen: "text" | "spoken" | "code"): Generator<{ text: string; at: number }> {
  if (node.type === "Comment") return;
  if (node.type === "Text" && seen !== "code" && hasLetters.test(String(node.data)))
    yield { text: String(node.data), at: node.start };
  if (node.type === "Literal" && typeof node.value === "string") {
    const wrong = seen === "code" ? sentence.test(node.value) : hasLetters.test(node.value);
    if (wrong) yield { text: node.value, at: node.start };
  }
  if (node.type === "TemplateElement") {
    const text = String((node.value as { cooked: string }).cooked);
    if (seen === "code" ? sentence.test(text) : hasLetters.test(text)) yield { text, at: node.start };
  }
  for (const child of children(node)) yield* bareTexts(child, contextOf(node, child, seen));
}

function contextOf(parent: AstNode, child: AstNode, seen: "text" | "spoken" | "code"): "text" | "spoken" | "code" {
  if (parent.type === "Attribute") return spoken.test(String(parent.name)) ? "spoken" : "code";
  if (child.type === "Attribute" || child.type.endsWith("Directive") || child.type === "AttachTag") return "code";
  if (child.type === "ExpressionTag") return seen;
  // Conditions, keys, arguments and comparisons are code; what a choice or a sum results in may be text.
  if (parent.type === "ConditionalExpression") return child === parent.test ? "code" : seen;
  if (parent.type === "LogicalExpression" || parent.type === "BinaryExpression")
    return /^(\+|\?\?|\|\|)$/.test(String(parent.operator)) ? seen : "code";
  if (parent.type === "ExpressionTag" || parent.type === "TemplateLiteral" || parent.type === "Fragment") return seen;
  if (child.type === "Fragment") return "text";
  return /Expression$|Pattern$|Statement$|Declaration$|Property$|SpreadAttribute|RenderTag|ConstTag/.test(parent.type)
    ? "code"
    : seen;
}

function problemsIn(source: string, name: string): string[] {
  const ast = parse(source, { modern: true, filename: name }) as unknown as {
    fragment: AstNode;
    instance: AstNode | null;
    module: AstNode | null;
  };
  const found = [...bareTexts(ast.fragment, "text")];
  for (const script of [ast.instance, ast.module]) if (script) found.push(...bareTexts(script, "code"));
  const line = (at: number) => source.slice(0, at).split("\n").length;
  const texts = found.map(({ text, at }) => `${name}:${line(at)} ${JSON.stringify(text.trim())}`);
  const html = [...source.matchAll(/\{@html/g)].map((match) => `${name}:${line(match.index)} {@html}`);
  return [...texts, ...html];
}

test("no component carries text of its own or raw HTML", () => {
  expect(files.length).toBeGreaterThan(30);
  expect(files.flatMap((file) => problemsIn(readFileSync(file, "utf8"), relative(src, file)))).toEqual([]);
});

test.each([
  ["<p>Hello there</p>", 1],
  ["<p>{m.common.save}</p>", 0],
  ['<Button title="Save it" />', 1],
  ['<Button title={on ? "Save" : m.x} class="px-2 text-sm" />', 1],
  ["<p>{busy ? 'Saving' : m.common.save}</p>", 1],
  ["<p>{state === 'open' ? m.a : m.b}</p>", 0],
  ["<p>{count + ' hosts'}</p>", 1],
  ["<p>{`${count} hosts`}</p>", 1],
  ["<p>· {name} /</p>", 0],
  ["<script>toast.success('Target was saved')</script>", 1],
  ["<script>const key = 'ArrowDown'; const look = 'flex items-center'</script>", 0],
  ["{#if a}<p>{@html a}</p>{/if}", 1],
  ["{#snippet head()}Title of it{/snippet}", 1],
  ["<!-- a remark --><p></p>", 0],
])("the lint sees what it should in %s", (source, count) => expect(problemsIn(source, "x.svelte")).toHaveLength(count));
