// Who may import whom, and where SQL, generated code and the environment may appear. The table of ARCHITECTURE.md as
// code; import-table.test.ts holds the tree to it. Pure.
import { posix } from "node:path";
import type { SourceFile } from "./source-file.ts";

export interface Violation {
  path: string;
  rule: string;
}

/** What each folder may import of ours, besides itself: folders, or single files without their ending. */
const table: Record<string, readonly string[]> = {
  proto: [],
  contract: [],
  database: [],
  controller: ["proto", "contract", "database"],
  agent: [
    "proto",
    "contract/src/job",
    "contract/src/states",
    "contract/src/fingerprint",
    "contract/src/enrolment-bytes",
    "contract/src/testing",
    "contract/src/stage-marks",
  ],
  ui: ["contract"],
  e2e: ["proto", "contract", "database"],
  // The link and the wire of real agents, for thousands that do nothing.
  bench: [
    "proto",
    "contract",
    "database",
    "e2e",
    "agent/src/link",
    "agent/src/journal/journal",
    "agent/src/runner/plan-offer",
  ],
  scripts: ["contract", "database", "controller"],
};

/** The controller's domains: they hold the logic and know nothing of how requests arrive. */
const domains = ["identity", "assets", "fleet", "automation", "communication", "live"];
const protoBorders = ["controller/src/grpc/", "agent/src/link/", "proto/", "e2e/", "bench/"];
const environmentReaders = ["controller/src/main.ts", "agent/src/main.ts", "agent/src/action.ts"];
/** Tools that load their configuration by its default export. */
const configurationFiles = /(^|\/)(vite|vitest|svelte)\.config\.ts$/;

export function violationsOf(file: SourceFile): Violation[] {
  const isTest = isTestFile(file.path);
  const found: string[] = [];
  for (const { specifier, typeOnly } of file.imports) {
    const to = resolveSpecifier(file.path, specifier);
    if (to === undefined) continue;
    found.push(...folderRules(file.path, to), ...controllerRules(file.path, to, { isTest, typeOnly }));
    if (to.startsWith("proto/gen/") && !isTest && !startsWithAny(file.path, protoBorders))
      found.push(`${specifier}: generated code is converted at the border, in grpc/ and link/ only`);
    if (isPure(file.path) && !typeOnly && !to.startsWith("contract/") && !isPure(to))
      found.push(`${specifier}: a pure file imports contract and other pure files only`);
  }
  found.push(...contentRules(file, isTest));
  const makesSchemas = file.imports.some(({ specifier, typeOnly }) => specifier === "zod" && !typeOnly);
  if (makesSchemas && file.path.startsWith("contract/src/job/") && !isTest)
    if (!file.imports.some(({ specifier }) => specifier.endsWith("/zod-without-eval.ts")))
      found.push("zod: the console takes this, so import zod-without-eval.ts before it");
  return found.map((rule) => ({ path: file.path, rule }));
}

function folderRules(from: string, to: string): string[] {
  const [fromFolder, toFolder] = [folderOf(from), folderOf(to)];
  if (fromFolder === toFolder || table[fromFolder] === undefined) return [];
  const allowed = table[fromFolder].some((entry) => to === `${entry}.ts` || to.startsWith(`${entry}/`));
  return allowed ? [] : [`${to}: ${fromFolder} may not import this`];
}

function controllerRules(from: string, to: string, kind: { isTest: boolean; typeOnly: boolean }): string[] {
  if (!from.startsWith("controller/src/") || !to.startsWith("controller/src/") || kind.isTest) return [];
  const [fromPart, toPart] = [partOf(from), partOf(to)];
  const found: string[] = [];
  if (domains.includes(fromPart) && (toPart === "http" || toPart === "grpc"))
    found.push(`${to}: a domain does not know how requests arrive`);
  if ((fromPart === "http" && toPart === "grpc") || (fromPart === "grpc" && toPart === "http"))
    found.push(`${to}: http and grpc do not know each other`);
  // What opens the context runs before there is one to call verbs with.
  const opens = /\/open-[^/]+\.ts$/.test(from) && fromPart === "";
  if (/-queries\.ts$/.test(to) && fromPart !== toPart && !opens && !kind.typeOnly)
    found.push(`${to}: call the domain's verb, not its queries`);
  if (/\/(main|lifecycle)\.ts$/.test(to) && from !== "controller/src/main.ts")
    found.push(`${to}: only main.ts wires and starts`);
  return found;
}

function contentRules(file: SourceFile, isTest: boolean): string[] {
  const found: string[] = [];
  const part = partOf(file.path);
  if (file.path.startsWith("controller/src/") && (part === "http" || part === "grpc") && !isTest)
    if (file.touchesSql || file.sql.length > 0) found.push("contains SQL: move it to a domain's verb");
  if (/^(controller|agent)\/src\//.test(file.path) && !isTest && file.readsEnvironment)
    if (!environmentReaders.includes(file.path)) found.push("reads process.env: only main.ts does");
  if (file.hasDefaultExport && !configurationFiles.test(file.path)) found.push("has a default export: name it");
  if (/(^|\/)index\.ts$/.test(file.path) || file.onlyReExports) found.push("is a barrel: import from the file itself");
  return found;
}

/** The imported file from the repository's root; undefined for packages that are not ours. */
function resolveSpecifier(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.normalize(posix.join(posix.dirname(from), specifier));
  if (specifier.startsWith("#lib/")) return `ui/src/lib/${specifier.slice(5)}`;
  const ours = /^@opsconductor\/([^/]+)\/?(.*)$/.exec(specifier);
  if (!ours) return undefined;
  const [, folder, rest] = ours;
  return folder === "proto" ? `proto/gen/${rest}.ts` : `${folder}/src/${rest}.ts`;
}

export function isTestFile(path: string): boolean {
  return /\.test\.ts$/.test(path) || /\/(testing|fixtures)\//.test(path);
}

function isPure(path: string): boolean {
  return /\/(choose-[^/]+|[^/]+-state)\.ts$/.test(path) && !path.startsWith("ui/");
}

const folderOf = (path: string) => path.split("/")[0]!;
/** `http` of controller/src/http/routes/jobs.ts; empty for files directly in src. */
const partOf = (path: string) => (path.split("/").length > 3 ? path.split("/")[2]! : "");
const startsWithAny = (path: string, prefixes: readonly string[]) => prefixes.some((prefix) => path.startsWith(prefix));
