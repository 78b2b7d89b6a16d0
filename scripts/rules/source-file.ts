// Reads one source file into what the rules look at: imports, exports, SQL, environment. Called by tree.ts and tests.
import { parseSync } from "vite";

export interface Import {
  specifier: string;
  /** Nothing of it is left at run time. */
  typeOnly: boolean;
}

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  path: string;
  lines: number;
  imports: Import[];
  hasDefaultExport: boolean;
  /** Only imports and re-exports: a barrel. */
  onlyReExports: boolean;
  readsEnvironment: boolean;
  /** Every literal that is SQL by its first word, with `?` in place of values. */
  sql: string[];
  /** Names a property or variable `sql`, or imports the driver. */
  touchesSql: boolean;
}

interface Node {
  type: string;
  [key: string]: unknown;
}

const sqlStart = /^\s*(--[^\n]*\n\s*)*(select|insert|update|delete|with|lock|create|alter|drop|truncate)\s/i;

export function readSourceFile(path: string, text: string): SourceFile {
  const code = path.endsWith(".svelte") ? scriptsOf(text) : text;
  const { program, module, errors } = parseSync(path.replace(/\.svelte$/, ".ts"), code);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const file: SourceFile = {
    path,
    lines: text.split("\n").length,
    imports: [],
    hasDefaultExport: module.staticExports.some((e) => e.entries.some((entry) => entry.exportName.kind === "Default")),
    onlyReExports: isBarrel(program.body as unknown as Node[]),
    readsEnvironment: false,
    sql: [],
    touchesSql: false,
  };
  walk(program as unknown as Node, (node) => inspect(node, file));
  if (file.imports.some((i) => i.specifier === "postgres" && !i.typeOnly)) file.touchesSql = true;
  return file;
}

function inspect(node: Node, file: SourceFile): void {
  const source = (node.source as Node | null | undefined)?.value;
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      if (typeof source === "string") file.imports.push({ specifier: source, typeOnly: isTypeOnly(node) });
      return;
    case "ImportExpression":
      if (typeof source === "string") file.imports.push({ specifier: source, typeOnly: false });
      return;
    case "TSImportType": {
      const specifier = source ?? (node.argument as Node | undefined)?.value;
      if (typeof specifier === "string") file.imports.push({ specifier, typeOnly: true });
      return;
    }
    case "MemberExpression":
      if (nameOf(node.object) === "process" && nameOf(node.property) === "env") file.readsEnvironment = true;
      if (nameOf(node.property) === "sql") file.touchesSql = true;
      return;
    case "VariableDeclarator":
      // const { env } = process; const { sql } = ctx;
      if (nameOf(node.init) === "process" && destructures(node.id, "env")) file.readsEnvironment = true;
      if (destructures(node.id, "sql")) file.touchesSql = true;
      return;
    case "TemplateLiteral": {
      const text = (node.quasis as { value: { cooked: string | null; raw: string } }[])
        .map((quasi) => quasi.value.cooked ?? quasi.value.raw)
        .join("?");
      if (sqlStart.test(text)) file.sql.push(text);
      return;
    }
    case "Literal":
      if (typeof node.value === "string" && sqlStart.test(node.value) && / (from|into|set|table) /i.test(node.value))
        file.sql.push(node.value);
  }
}

function isBarrel(body: Node[]): boolean {
  const reExport = (s: Node) =>
    s.type === "ExportAllDeclaration" || (s.type === "ExportNamedDeclaration" && !s.declaration);
  return body.some(reExport) && body.every((s) => s.type === "ImportDeclaration" || reExport(s));
}

function isTypeOnly(node: Node): boolean {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const specifiers = node.specifiers as Node[] | undefined;
  return !!specifiers?.length && specifiers.every((s) => s.importKind === "type" || s.exportKind === "type");
}

function destructures(pattern: unknown, name: string): boolean {
  const properties = (pattern as { properties?: Node[] }).properties;
  return !!properties?.some((property) => nameOf(property.key) === name);
}

function nameOf(node: unknown): string | undefined {
  const { name, value } = (node ?? {}) as { name?: string; value?: unknown };
  return name ?? (typeof value === "string" ? value : undefined);
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child === "object" && typeof (child as Node).type === "string") walk(child as Node, visit);
    }
  }
}

/** The script blocks of a component; the lines before them do not matter to the rules. */
function scriptsOf(component: string): string {
  return [...component.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join("\n");
}
