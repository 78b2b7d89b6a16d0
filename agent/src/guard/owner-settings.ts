// What the owner of the host allows steps of any job: which users they may run as, and what they may use at most. The
// file belongs to root and is read again whenever it has changed. One that cannot be read allows nothing: its owner
// meant to restrict. Asked when an offer arrives and again at each start.
import { readFileSync, statSync } from "node:fs";
import { noSettings, type ReadSettings, readAgentSettings } from "@opsconductor/contract/job/agent-settings";
import { matchesGlob } from "@opsconductor/contract/job/glob";

export class OwnerSettings {
  readonly path: string;
  #seen = "";
  #now: ReadSettings = { settings: noSettings, problem: undefined };

  constructor(path: string) {
    this.path = path;
  }

  current(): ReadSettings {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    const seen = stat === undefined ? "none" : `${stat.ino}.${stat.ctimeNs}.${stat.size}`;
    if (seen === this.#seen) return this.#now;
    this.#seen = seen;
    this.#now = stat === undefined ? { settings: noSettings, problem: undefined } : this.#read(stat);
    return this.#now;
  }

  /** Undefined when a step may run as `user`. */
  refusalOf(user: string): string | undefined {
    const { settings, problem } = this.current();
    if (settings === undefined) return problem;
    const { users } = settings;
    if (users === undefined || users.some((pattern) => matchesGlob(pattern, user))) return undefined;
    const allowed = users.length === 0 ? "nobody" : users.join(", ");
    return `the owner of this host lets steps run as ${allowed} (users in ${this.path}), and this one would run as ${user}`;
  }

  #read({ mode, uid }: { mode: bigint; uid: bigint }): ReadSettings {
    if (uid !== 0n && Number(uid) !== process.getuid?.()) return this.#refuse("it belongs to another user than root");
    if ((mode & 0o022n) !== 0n) return this.#refuse("others can write it; chmod 644 it");
    try {
      const read = readAgentSettings(readFileSync(this.path, "utf8"));
      return read.settings === undefined ? this.#refuse(read.problem) : read;
    } catch (error) {
      return this.#refuse((error as Error).message);
    }
  }

  #refuse(what: string): ReadSettings {
    const problem = `this agent cannot use its settings ${this.path}, so it runs nothing: ${what}`;
    return { settings: undefined, problem };
  }
}
