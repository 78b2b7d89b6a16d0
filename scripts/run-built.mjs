// Runs a program with the console built and the packages in place, as the pinned Node and with its signals. Called by
// bench.mjs, faults.mjs, lab.mjs and canaries.mjs.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { forwardSignals } from "./signals.mjs";

/** `program` is a path in the repository. */
export function runBuilt(program, args) {
  const node = bootstrap();
  buildConsole(node);
  const running = spawn(node, [join(root, program), ...args], {
    cwd: root,
    env: environmentFor(node),
    stdio: ["ignore", "inherit", "inherit"],
  });
  forwardSignals(running);
}
