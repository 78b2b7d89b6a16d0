// Tells a process from a later one with the same pid. Used where a pid is kept in a file: the data directory's holder,
// the local agent.
import { readFileSync } from "node:fs";

/** Something that no later process with this pid shares; undefined when there is no such process, or only its corpse. */
export function processStart(pid: number): string | undefined {
  try {
    if (process.platform !== "linux") return process.kill(pid, 0) ? "" : undefined;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[18];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "" : undefined;
  }
}
