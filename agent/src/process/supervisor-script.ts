// Puts supervisor.sh where running supervisors may read it for as long as they live: an upgrade of the agent must not
// change the file under them, so the name carries the content's hash. The packager ships supervisor.sh beside the code.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Returns the path of the installed script. */
export function installSupervisor(stateFolder: string): string {
  const script = readFileSync(new URL("./supervisor.sh", import.meta.url));
  const folder = join(stateFolder, "lib");
  const path = join(folder, `supervisor-${createHash("sha256").update(script).digest("hex").slice(0, 16)}.sh`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.${process.pid}`, script, { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
