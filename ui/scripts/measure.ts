// Prints what a cold visit costs against the budget: JavaScript of the shell and of each route (gzip), CSS, fonts,
// requests. Reads the build's own manifest; exits 1 when a line is over. Run after `vite build`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

interface ManifestEntry {
  file: string;
  src?: string;
  name?: string;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
}
type Manifest = Record<string, ManifestEntry>;

const kib = 1024;
const budget = { shell: 105 * kib, route: 45 * kib, css: 16 * kib, fonts: 90 * kib, requests: 35 };
/** Loaded only by the pages that need them, each with a budget of its own. */
const islands = [
  { pattern: /codemirror|yaml-editor|editor-view/i, name: "editor", bytes: 180 * kib },
  { pattern: /diff|merge/i, name: "diff", bytes: 120 * kib },
];

const ui = join(import.meta.dirname, "..");
const client = join(ui, ".svelte-kit/output/client");
const manifest = JSON.parse(readFileSync(join(client, ".vite/manifest.json"), "utf8")) as Manifest;
const sizes = new Map<string, number>();

function gzipped(file: string): number {
  const known = sizes.get(file);
  if (known !== undefined) return known;
  const size = gzipSync(readFileSync(join(client, file)), { level: 9 }).length;
  sizes.set(file, size);
  return size;
}

/** Files that loading `keys` brings with it, statically. */
function closure(keys: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const files = new Set<string>();
  const visit = (key: string) => {
    if (seen.has(key)) return;
    seen.add(key);
    const entry = manifest[key];
    if (!entry) return;
    files.add(entry.file);
    for (const css of entry.css ?? []) files.add(css);
    for (const next of entry.imports ?? []) visit(next);
  };
  for (const key of keys) visit(key);
  return files;
}

const sum = (files: Iterable<string>, ext: string) =>
  [...files].filter((file) => file.endsWith(ext)).reduce((total, file) => total + gzipped(file), 0);
const keyOf = (pattern: RegExp) => Object.keys(manifest).filter((key) => pattern.test(key));

/** Each route and the node files it loads, from the client's generated table. */
function routes(): { id: string; nodes: number[] }[] {
  const app = readFileSync(join(ui, ".svelte-kit/generated/build/client-optimized/app.js"), "utf8");
  const table = /export const dictionary = (\{[\s\S]*?\n\s*\});/.exec(app)?.[1] ?? "{}";
  const parsed = [...table.matchAll(/"([^"]+)":\s*\[(~?-?\d+)(?:,\[([^\]]*)\])?/g)];
  return parsed.map((match) => ({
    id: match[1] ?? "",
    nodes: [
      0,
      ...(match[3] ?? "").split(",").filter(Boolean).map(Number),
      Math.abs(Number(match[2]?.replace("~", ""))),
    ],
  }));
}

const nodeKey = (index: number) => keyOf(new RegExp(`generated/build/client-optimized/nodes/${index}\\.js$`))[0] ?? "";
const entries = keyOf(/client\/entry\.js$|generated\/build\/client-optimized\/app\.js$/);
const all = routes();
const layouts = [...new Set(all.flatMap((route) => route.nodes.slice(0, -1)))].map(nodeKey);
const shellFiles = closure([...entries, ...layouts]);
const shell = sum(shellFiles, ".js");
const css = sum(shellFiles, ".css");
const latinFonts = readdirSync(join(client, "_app/immutable/assets"))
  .filter((file) => /latin-wght-normal.*\.woff2$/.test(file))
  .reduce((total, file) => total + readFileSync(join(client, "_app/immutable/assets", file)).length, 0);

let over = 0;
function line(name: string, value: number, limit: number, unit: "KiB" | "") {
  const shown = unit ? `${(value / kib).toFixed(1)} KiB` : String(value);
  const allowed = unit ? `${limit / kib} KiB` : String(limit);
  if (value > limit) over += 1;
  console.log(`${value > limit ? "OVER" : "ok  "}  ${name.padEnd(34)} ${shown.padStart(10)}  of ${allowed}`);
}

line("shell JavaScript", shell, budget.shell, "KiB");
line("shell CSS", css, budget.css, "KiB");
line("fonts (latin)", latinFonts, budget.fonts, "KiB");
for (const route of all.sort((a, b) => (a.id < b.id ? -1 : 1))) {
  const files = closure([...entries, ...route.nodes.map(nodeKey)]);
  const extra = sum(
    [...files].filter((file) => !shellFiles.has(file)),
    ".js",
  );
  line(`route ${route.id}`, extra, budget.route, "KiB");
}
const lazy = Object.entries(manifest).filter(
  ([key, entry]) => !shellFiles.has(entry.file) && /src\/lib\/.*svelte$/.test(key),
);
for (const [key] of lazy.sort()) {
  const extra = sum(
    [...closure([key])].filter((file) => !shellFiles.has(file)),
    ".js",
  );
  const island = islands.find((candidate) => candidate.pattern.test(key));
  line(`lazy ${key.replace("src/lib/", "")}`, extra, island?.bytes ?? budget.route, "KiB");
}
const overview = all.find((route) => /^\/(\(app\))?$/.test(route.id)) ?? all[0];
if (overview) {
  const files = closure([...entries, ...overview.nodes.map(nodeKey)]);
  // index.html, theme.js, favicon, two fonts, session, data, stream, and the files themselves.
  line("requests, cold overview", files.size + 8, budget.requests, "");
}
const start = manifest[keyOf(/runtime\/client\/entry\.js$/)[0] ?? ""];
const early = (start?.imports ?? []).filter((key) => !/payload|preload/.test(`${key} ${manifest[key]?.name}`));
if (early.length > 0) {
  over += 1;
  console.log(`OVER  the start entry evaluates ${early.join(", ")} before Kit's payload is set (see vite.config.ts)`);
}
process.exitCode = over > 0 ? 1 : 0;
