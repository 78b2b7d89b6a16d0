// What `status` shows of the running agent: a 0600 file in the state folder, rewritten when something changed. It needs
// no socket, so it works with any path length and on every platform.
import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { isDiskTrouble, readText } from "./durable-file.ts";

export interface AgentStatus {
  pid: number;
  version: string;
  startedAt: string;
  agentId: string;
  agentName: string;
  clusterId: string;
  state: "connecting" | "online" | "waiting" | "refused";
  /** Since when the state is what it is. */
  since: string;
  /** Why it is not online. */
  reason: string;
  address: string;
  controllerId: string;
  certificateNotAfter: string;
  runningAttempts: number;
  spooledBytes: number;
  degraded: string;
}

export class StatusFile {
  readonly #path: string;
  #status: AgentStatus;
  #written = "";

  constructor(path: string, status: AgentStatus) {
    this.#path = path;
    this.#status = status;
    this.#write();
  }

  update(changes: Partial<AgentStatus>): void {
    const since = changes.state && changes.state !== this.#status.state ? { since: new Date().toISOString() } : {};
    this.#status = { ...this.#status, ...changes, ...since };
    this.#write();
  }

  #write(): void {
    const text = `${JSON.stringify(this.#status, undefined, 2)}\n`;
    if (text === this.#written) return;
    const temporary = `${this.#path}.tmp`;
    try {
      writeFileSync(temporary, text, { mode: 0o600 });
      chmodSync(temporary, 0o600);
      renameSync(temporary, this.#path);
      this.#written = text;
    } catch (error) {
      // It is for people only: on a full disk they read the old one until there is space.
      if (!isDiskTrouble(error)) throw error;
    }
  }
}

export function readStatus(path: string): AgentStatus | undefined {
  const text = readText(path);
  return text === undefined ? undefined : (JSON.parse(text) as AgentStatus);
}
