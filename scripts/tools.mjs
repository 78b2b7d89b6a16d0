// npm run tools -- [--room FOLDER] [--apk PROGRAM] [tests …]: the actions with the real programs of other systems (dnf,
// zypper, apk, OpenRC, snmpd, MariaDB, PostgreSQL), in a folder made of Debian packages. Needs root on Debian, and debootstrap.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap, environmentFor, root } from "./bootstrap.mjs";

const text = { type: "string" };
const { values, positionals } = parseArgs({ options: { room: text, apk: text }, allowPositionals: true });
const room = values.room ?? "/var/tmp/opsconductor-tools";
const apk = values.apk === undefined ? [] : [values.apk];
if (apk.length === 0) process.stdout.write("Without --apk PROGRAM (apk-tools 2, compiled here) apk is not tried.\n");
execFileSync(join(root, "agent/src/actions/testing/make-tool-room.sh"), [room, ...apk], { stdio: "inherit" });
const node = bootstrap();
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(node, [vitest, "run", "--project", "tools", ...positionals], {
  cwd: root,
  env: { ...environmentFor(node), OC_TOOL_ROOM: room },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
