// Runs the generators and compares or writes what they make. Called by scripts/gen.mjs.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { generateActionPage } from "./action-page.ts";
import { generateConfigPage } from "./config-page.ts";
import { generateDatabase } from "./database.ts";
import { generateJobPages } from "./job-pages.ts";
import { generateOpenApi } from "./openapi.ts";
import { generateProto } from "./proto.ts";
import { generateStatesPage } from "./states-page.ts";

/** A generator returns whole files, path from the repository's root → content; it never writes by itself. */
type Generator = (root: string) => Promise<Map<string, string>>;

const root = dirname(dirname(import.meta.dirname));
const check = process.argv.includes("--check");
const generators: Generator[] = [
  generateProto,
  generateDatabase,
  generateOpenApi,
  generateConfigPage,
  generateStatesPage,
  generateJobPages,
  generateActionPage,
];

const stale: string[] = [];
for (const generate of generators) {
  for (const [path, content] of await generate(root)) {
    const file = join(root, path);
    if ((await readFile(file, "utf8").catch(() => undefined)) === content) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}
if (!check) for (const path of stale) process.stdout.write(`wrote ${path}\n`);
if (check && stale.length > 0) {
  process.stderr.write(`Out of date: ${stale.join(", ")}\nRun npm run gen and commit what it writes.\n`);
  process.exitCode = 1;
}
