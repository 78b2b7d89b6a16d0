// Starts the supervisor of one spawn, detached from the agent: its own session, no pipe to us, so that nothing ends with
// us. The runner calls it after the journal has recorded the start.
import { type ChildProcess, spawn } from "node:child_process";

export interface SpawnSpec {
  /** The spawn's own folder; the supervisor works and writes there. */
  folder: string;
  script: string;
  bootId: string;
  /** Unique for this spawn on this host. */
  mark: string;
  cgroup: string | undefined;
  workingFolder: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  headBytes: number;
  tailBytes: number;
}

/** Where our own tools are, whatever PATH the step wants for itself. */
const toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Throws or emits `error` when the system refuses (no memory, arguments too long): then nothing was started. */
export function spawnSupervisor(spec: SpawnSpec): ChildProcess {
  const settings = [spec.headBytes, spec.tailBytes, spec.bootId, spec.cgroup ?? "", spec.mark, spec.workingFolder];
  const child = spawn("/bin/sh", [spec.script, ...settings.map(String), ...spec.argv], {
    cwd: spec.folder,
    detached: true,
    stdio: "ignore",
    env: { ...spec.env, PATH: toolPath, OC_STEP_PATH: spec.env.PATH ?? toolPath, OC_SUPERVISOR: spec.mark },
  });
  child.unref();
  return child;
}
