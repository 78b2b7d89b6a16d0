// npm run lab -- …: the proofs of e2e/lab on real hosts, with the console built and the packages in place.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { forwardSignals } from "./signals.mjs";

const node = bootstrap();
buildConsole(node);
const lab = spawn(node, [join(root, "e2e/lab/main.ts"), ...process.argv.slice(2)], {
  cwd: root,
  env: environmentFor(node),
  stdio: ["ignore", "inherit", "inherit"],
});
forwardSignals(lab);
