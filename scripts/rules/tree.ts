// All sources of the repository, parsed once for every rule. Called by the tests beside it.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readSourceFile, type SourceFile } from "./source-file.ts";

export const repositoryRoot = dirname(dirname(import.meta.dirname));

/** Tracked and new files that git does not ignore, from the root. */
export function repositoryFiles(): string[] {
  const options = { cwd: repositoryRoot, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], options);
  return listed.split("\n").filter((path) => path !== "" && existsSync(join(repositoryRoot, path)));
}

export function repositorySources(): SourceFile[] {
  return repositoryFiles()
    .filter((path) => /\.(ts|svelte)$/.test(path) && !path.endsWith(".d.ts"))
    .map((path) => readSourceFile(path, readFileSync(join(repositoryRoot, path), "utf8")));
}
