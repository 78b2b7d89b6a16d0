// npm run fuzz -- [REQUESTS [SEED]]: generated requests to every route of the API, judged by its own OpenAPI document. The
// same seed asks the same again.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";
import { forwardSignals } from "./signals.mjs";

const [requests = "50000", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const node = bootstrap();
const args = ["run", "--project", "db", "controller/src/http/fuzz.db.test.ts"];
const fuzz = spawn(node, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
  cwd: root,
  env: { ...environmentFor(node), FUZZ_REQUESTS: requests, FUZZ_SEED: seed },
  stdio: ["ignore", "inherit", "inherit"],
});
forwardSignals(fuzz);
