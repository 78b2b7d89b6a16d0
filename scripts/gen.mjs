// npm run gen: writes everything that is made from something else (scripts/gen/ says what from what).
// With --check it writes nothing and fails when a file is not what it would write.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";

const node = bootstrap();
const result = spawnSync(node, [join(root, "scripts/gen/main.ts"), ...process.argv.slice(2)], {
  cwd: root,
  env: environmentFor(node),
  stdio: ["ignore", "inherit", "inherit"],
});
process.exitCode = result.status ?? 1;
