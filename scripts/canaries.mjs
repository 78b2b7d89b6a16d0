// npm run canaries: secrets of every class are used once and looked for afterwards, in the database, logs, exports, files of a
// real controller and its memory; the last is printed class by class.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { forwardSignals } from "./signals.mjs";

const node = bootstrap();
buildConsole(node);
const tests = ["controller/src/http/canaries.db.test.ts", "e2e/auditor.story.test.ts"];
const args = ["run", "--project", "db", "--project", "e2e", ...tests];
const canaries = spawn(node, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
  cwd: root,
  env: environmentFor(node),
  stdio: ["ignore", "inherit", "inherit"],
});
forwardSignals(canaries);
