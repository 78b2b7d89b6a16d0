// npm run audit-verify -- FILE: checks an export of the audit log, with the packages in place.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";

const node = bootstrap();
const args = [join(root, "controller/src/audit-verify.ts"), ...process.argv.slice(2)];
const { status } = spawnSync(node, args, {
  cwd: process.env.INIT_CWD ?? process.cwd(), // npm changes to the root: a relative FILE is the caller's
  env: environmentFor(node),
  stdio: "inherit",
});
process.exit(status ?? 1);
