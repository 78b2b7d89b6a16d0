// npm run faults -- <name> …, npm run chaos -- …: one fault test of e2e/faults, with the packages in place.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { forwardSignals } from "./signals.mjs";

const node = bootstrap();
buildConsole(node);
const faults = spawn(node, [join(root, "e2e/faults/main.ts"), ...process.argv.slice(2)], {
  cwd: root,
  env: environmentFor(node),
  stdio: ["ignore", "inherit", "inherit"],
});
forwardSignals(faults);
