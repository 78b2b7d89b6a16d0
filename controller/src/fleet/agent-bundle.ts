// The agent in a few files: Node refuses to strip types under node_modules, so what goes to hosts is bundled JavaScript
// beside a Node binary. What a running agent does without (X.509) stays apart. Called by agent-packages.ts.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { TarEntry } from "./tar.ts";

const inRepository = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** grpc-js, ssh2 and others are CommonJS: they ask for Node's modules by require, and where they are. */
const banner = [
  'import { createRequire as __createRequire } from "node:module";',
  "const require = __createRequire(import.meta.url);",
  "const __dirname = import.meta.dirname, __filename = import.meta.filename;",
].join(" ");

/** Everything of the package but Node itself. Takes about a second. */
export async function bundleAgent(): Promise<TarEntry[]> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: { agent: inRepository("agent/src/main.ts"), action: inRepository("agent/src/action.ts") },
    bundle: true,
    splitting: true,
    outdir: "lib",
    outExtension: { ".js": ".mjs" },
    write: false,
    platform: "node",
    target: "node24",
    format: "esm",
    banner: { js: banner },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    // Faster ciphers of ssh2 that are built on the host, and that it does without.
    external: ["*.node", "cpu-features"],
    logLevel: "silent",
  });
  const files = [
    ...outputFiles.map(({ path, contents }) => ({ name: `lib/${basename(path)}`, mode: 0o644, bytes: contents })),
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
