// Runs one command under a real supervisor, for the tests of this folder.
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TryCgroup } from "../cgroup.ts";
import { findProcesses } from "../find-processes.ts";
import { readBootId, readProcessStat } from "../process-identity.ts";
import { killLeftovers, type TryToStop } from "../stop-try.ts";
import { Supervisor } from "../supervisor.ts";
import { installSupervisor } from "../supervisor-script.ts";
import { type ClaimRecord, readSupervisorMark } from "../try-records.ts";
import { type SpawnEnd, TryWatch } from "../watch-try.ts";

export interface SpawnSpec {
  folder: string;
  script: string;
  bootId: string;
  mark: string;
  cgroup: TryCgroup | undefined;
  workingFolder: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  headBytes: number;
  tailBytes: number;
  shell?: string;
}

export interface TestTry {
  folder: string;
  target: TryToStop;
  child: ChildProcess;
  watch: TryWatch;
  claimed: Promise<ClaimRecord>;
  ended: Promise<void>;
  over: Promise<SpawnEnd>;
  /** head and tail, one behind the other. */
  output(): Buffer;
}

export class TryBench {
  readonly root = mkdtempSync(join(tmpdir(), "oc-try-"));
  readonly bootId = readBootId();
  readonly #script = installSupervisor(this.root);
  readonly #tries: TestTry[] = [];

  makeFolder(): string {
    const folder = join(this.root, `${readdirSync(this.root).length}`);
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }

  spec(argv: string[], change: Partial<SpawnSpec> = {}): SpawnSpec {
    const folder = change.folder ?? this.makeFolder();
    return {
      ...{ folder, script: this.#script, bootId: this.bootId, mark: `test.${folder}`, cgroup: undefined, argv },
      ...{ workingFolder: this.root, env: { PATH: process.env.PATH! }, headBytes: 1 << 20, tailBytes: 1 << 16 },
      ...change,
    };
  }

  start(argv: string[], change: Partial<SpawnSpec> = {}): TestTry {
    const spec = this.spec(argv, change);
    const [claimed, ended, over] = [
      Promise.withResolvers<ClaimRecord>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<SpawnEnd>(),
    ];
    const watch = new TryWatch(spec.folder, this.bootId, {
      claimed: claimed.resolve,
      commandEnded: () => ended.resolve(),
      output: () => {},
      over: over.resolve,
    });
    watch.open();
    const child = begin(spec);
    watch.follow(child);
    const { folder, mark, cgroup } = spec;
    const target = { folder, pid: child.pid!, mark, supervisorMark: readSupervisorMark(folder), cgroup };
    const made: TestTry = {
      ...{ folder: spec.folder, target, child, watch },
      ...{ claimed: claimed.promise, ended: ended.promise, over: over.promise },
      output: () => Buffer.concat(["head", "tail"].map((name) => readIfThere(join(spec.folder, name)))),
    };
    this.#tries.push(made);
    return made;
  }

  sh(text: string, change: Partial<SpawnSpec> = {}): TestTry {
    return this.start(["/bin/sh", "-c", text], change);
  }

  /** A test that leaves a process behind fails here. */
  async close(): Promise<void> {
    const left: string[] = [];
    for (const one of this.#tries) {
      one.watch.close();
      const { command, supervisor } = findProcesses(one.target);
      if (command.length + supervisor.length > 0) left.push(one.folder);
      await killLeftovers(one.target);
    }
    rmSync(this.root, { recursive: true });
    if (left.length > 0) throw new Error(`Processes were left behind by ${left.join(", ")}.`);
  }
}

/** As the agent does it when none waits. */
export function prepare(spec: SpawnSpec): Supervisor {
  const { folder, script, bootId, headBytes, shell } = spec;
  const firstBytes = Math.min(headBytes, 64 * 1024);
  return new Supervisor({ folder, script, bootId, firstBytes, mark: randomUUID(), ...(shell ? { shell } : {}) });
}

export function begin(spec: SpawnSpec): ChildProcess {
  const supervisor = prepare(spec);
  supervisor.begin(spec, { ...spec, cgroup: spec.cgroup?.kill });
  return supervisor.child;
}

export function readIfThere(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}

export function processExists(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && stat.state !== "Z";
}
