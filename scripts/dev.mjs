// npm run dev: the controller restarts when its sources change; the console is served by vite with hot reload and
// passes everything that is not its own on to the controller.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bootstrap, environmentFor, root, startDefaults } from "./bootstrap.mjs";
import { forwardSignals } from "./signals.mjs";

const node = bootstrap();
const env = { ...startDefaults, OC_HTTP_ADDR: "127.0.0.1:3000", ...environmentFor(node) };

const controller = spawn(
  node,
  ["--watch", "--watch-preserve-output", join(root, "controller/src/main.ts"), ...process.argv.slice(2)],
  { cwd: root, env, stdio: ["ignore", "inherit", "inherit"], detached: process.platform !== "win32" },
);
const vite = spawn(node, [join(root, "node_modules/vite/bin/vite.js"), "dev", "--host", "127.0.0.1"], {
  cwd: join(root, "ui"),
  env: { ...env, OC_DEV_CONTROLLER: `http://${env.OC_HTTP_ADDR}` },
  stdio: ["ignore", "inherit", "inherit"],
});
process.on("exit", () => vite.kill());
vite.on("exit", (code) => code && process.stderr.write(`vite ended with ${code}; the controller goes on.\n`));
forwardSignals(controller);
