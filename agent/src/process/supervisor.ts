// One supervisor, from its start to the moment it is given its command: its own session, and nothing that ends with the
// agent once it has begun. Until then it waits in its folder and goes away with the agent. Made by supervisor-pool.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { type Command, jobFile, jobName } from "./job-file.ts";
import { supervisorMarkFile } from "./try-records.ts";

export interface SupervisorSpec {
  /** Exists; the supervisor works and writes there. */
  folder: string;
  script: string;
  bootId: string;
  /** Unique on this host. */
  mark: string;
  /** Of the output, what may be kept before `begin` tells the real limit, which must not be less. */
  firstBytes: number;
  shell?: string;
}

export interface Limits {
  cgroup: string | undefined;
  headBytes: number;
  tailBytes: number;
}

/** Where our own tools are, whatever PATH the step wants for itself. */
const toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export class Supervisor {
  readonly child: ChildProcess;
  /** To be set when the folder is moved; the process moves with it. */
  folder: string;
  #failed = false;

  /** Throws or makes `child` emit `error` when the system refuses: then nothing was started. */
  constructor({ folder, script, bootId, mark, firstBytes, shell = "/bin/sh" }: SupervisorSpec) {
    this.folder = folder;
    writeFileSync(join(folder, supervisorMarkFile), mark, { mode: 0o600 });
    this.child = spawn(shell, [script, bootId, String(firstBytes)], {
      cwd: folder,
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: toolPath, OC_SUPERVISOR: mark },
    });
    this.child.on("error", () => {
      this.#failed = true;
    });
    const line = this.child.stdin as Socket | undefined; // none when there were no descriptors left
    line?.on("error", () => {}); // it is gone, and its exit is told
    line?.unref();
    this.child.unref();
  }

  get waits(): boolean {
    return !this.#failed && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Say this once the start is durable: the command begins now, unless somebody else took the claim. */
  begin(command: Command, { cgroup, headBytes, tailBytes }: Limits): void {
    this.write(jobName, jobFile(command));
    this.child.stdin?.end(`${headBytes} ${tailBytes} ${cgroup ?? ""}\n`);
  }

  /** Into its folder, before it begins; a disk that is full dismisses it, or it would wait as long as the agent lives. */
  write(name: string, content: string): void {
    try {
      writeFileSync(join(this.folder, name), content, { mode: 0o600 });
    } catch (error) {
      this.dismiss();
      throw error;
    }
  }

  /** It ends without having done anything. */
  dismiss(): void {
    this.child.stdin?.destroy();
  }
}
