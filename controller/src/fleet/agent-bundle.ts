// The agent as one file: Node refuses to strip types under node_modules, so what goes to hosts is bundled JavaScript
// beside a Node binary. Called by agent-packages.ts.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { TarEntry } from "./tar.ts";

const inRepository = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** grpc-js and others are CommonJS and ask for Node's modules by require. */
const banner = `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

/** Everything of the package but Node itself. Takes about a second. */
export async function bundleAgent(): Promise<TarEntry[]> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [inRepository("agent/src/main.ts")],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "esm",
    banner: { js: banner },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "silent",
  });
  const files = [
    { name: "lib/agent.mjs", mode: 0o644, bytes: outputFiles[0]!.contents },
    { name: "lib/supervisor.sh", mode: 0o644, bytes: await readFile(inRepository("agent/src/process/supervisor.sh")) },
    {
      name: "bin/opsconductor-agent",
      mode: 0o755,
      bytes: await readFile(inRepository("deploy/agent/opsconductor-agent.sh")),
    },
    { name: "LICENSE", mode: 0o644, bytes: await readFile(inRepository("LICENSE")) },
  ];
  return files.map(({ name, mode, bytes }) => ({ name, mode, from: { bytes } }));
}
