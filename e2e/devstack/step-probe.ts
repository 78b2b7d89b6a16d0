// What a step does on the host, told by the step itself in files of the test: the ledger that no code of ours writes.
// Called by the stories.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A folder in which one step notes its starts and waits for the test. */
export class StepProbe {
  readonly folder: string;
  constructor(parent: string, name: string) {
    this.folder = join(parent, name);
    mkdirSync(this.folder, { recursive: true });
  }

  /** Shell text: note this start (with the shell's pid), then wait until `open()`. */
  get waitText(): string {
    return `echo $$ >> ${this.folder}/starts; while [ ! -e ${this.folder}/gate ]; do sleep 0.05; done`;
  }

  /** Lets the step go on. */
  open(): void {
    writeFileSync(join(this.folder, "gate"), "");
  }

  /** One pid for every start there ever was. */
  starts(): number[] {
    const file = join(this.folder, "starts");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8").trim().split("\n").map(Number);
  }
}

/** False for a process that is gone or only waits to be buried. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
