// npm run bench -- <name>: one benchmark of bench/src, with the console built and the packages in place.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { forwardSignals } from "./signals.mjs";

const node = bootstrap();
buildConsole(node);
const bench = spawn(node, [join(root, "bench/src/main.ts"), ...process.argv.slice(2)], {
  cwd: root,
  env: environmentFor(node),
  stdio: ["ignore", "inherit", "inherit"],
});
forwardSignals(bench);
