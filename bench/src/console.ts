// npm run bench -- console: what a browser downloads, from the built files, compressed as the controller sends them.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { repositoryRoot } from "../../e2e/devstack/devstack.ts";
import { type Figure, print } from "./figures.ts";

export async function benchConsole(): Promise<void> {
  const build = join(repositoryRoot, "ui/build");
  const all = readdirSync(build, { recursive: true, encoding: "utf8" })
    .filter((path) => !/\.(br|gz)$/.test(path) && statSync(join(build, path)).isFile())
    .map((path) => ({ path, content: readFileSync(join(build, path)) }));
  const initial = initialFiles(readFileSync(join(build, "index.html"), "utf8"));
  const first = all.filter(({ path }) => initial.includes(path));
  const scripts = all.filter(({ path }) => path.endsWith(".js"));
  const styles = all.filter(({ path }) => path.endsWith(".css"));
  const figures: Figure[] = [
    ...sizes("before any page (linked from index.html)", first),
    ...sizes("all scripts of all pages", scripts),
    ...sizes("all styles", styles),
    { name: "largest script, gzip", value: Math.max(...scripts.map(({ content }) => gzip(content))), unit: "KiB" },
    { name: "files", value: all.length, unit: "" },
  ];
  print("console", "sizes of the built console", figures);
}

type File = { path: string; content: Buffer };
const gzip = (content: Buffer) => gzipSync(content, { level: 9 }).length / 1024;
const brotli = (content: Buffer) => brotliCompressSync(content).length / 1024;
const sum = (files: File[], size: (content: Buffer) => number) =>
  files.reduce((total, { content }) => total + size(content), 0);

function sizes(name: string, files: File[]): Figure[] {
  return [
    { name: `${name}, gzip`, value: sum(files, gzip), unit: "KiB", note: `${files.length} files` },
    { name: `${name}, brotli`, value: sum(files, brotli), unit: "KiB" },
  ];
}

/** What index.html names in script, link and import: it loads before any page. */
function initialFiles(html: string): string[] {
  const named = [...html.matchAll(/["'](?:\.?\/)([^"'?#]+\.(?:js|css|woff2))["']/g)].map((match) => match[1]!);
  return [...new Set(named)];
}
