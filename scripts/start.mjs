// npm start: a fresh clone becomes a running controller with one local agent and three sample jobs.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root, startDefaults } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { forwardSignals } from "./signals.mjs";

const node = bootstrap();
buildConsole(node);

const controller = spawn(node, [join(root, "controller/src/main.ts"), ...process.argv.slice(2)], {
  cwd: root,
  env: { ...startDefaults, ...environmentFor(node) },
  stdio: ["ignore", "inherit", "inherit"],
  // A session of its own: Ctrl-C reaches npm, this script and (through both) the controller several times; it gets it once.
  detached: process.platform !== "win32",
});
forwardSignals(controller);
