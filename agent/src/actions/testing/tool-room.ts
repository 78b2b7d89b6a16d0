// The real programs of other systems, in a folder that make-tool-room.sh has made: each test has a folder of little scripts
// for its PATH that enter there. So an action of this process finds dnf or rc-service as it would on such a host, and
// nothing of this machine is changed. Used by the *.tools.test.ts, which `npm run tools` runs as root.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const inside = "PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root";

export class ToolRoom {
  readonly folder: string;
  readonly #programs = mkdtempSync(join(tmpdir(), "oc-tools-"));

  constructor(programs: readonly string[]) {
    this.folder = process.env.OC_TOOL_ROOM!;
    symlinkSync("/bin/sh", join(this.#programs, "sh"));
    for (const program of programs)
      writeFileSync(join(this.#programs, program), entering(this.folder, program), { mode: 0o755 });
  }

  /** Where actions find the programs of the room, and no others. */
  get environment(): NodeJS.ProcessEnv {
    return { PATH: this.#programs };
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8").trim();
  }

  close(): void {
    rmSync(this.#programs, { recursive: true });
  }
}

/** What it mounts is gone with it. The variables that an action sets reach the program. */
function entering(folder: string, program: string): string {
  const mounts = `/bin/mount -t proc proc "$0/proc" && /bin/mount --rbind /dev "$0/dev"`;
  const enter = `exec /usr/sbin/chroot "$0" /usr/bin/env -u OC_TOOL_ROOM ${inside} "$@"`;
  return `#!/bin/sh\nexec /usr/bin/unshare -m /bin/sh -c '${mounts} && ${enter}' '${folder}' ${program} "$@"\n`;
}
