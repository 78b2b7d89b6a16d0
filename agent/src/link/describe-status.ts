// What `status` prints: the running agent's own words, and whether it runs at all. Called by the CLI.
import { hostFingerprint } from "./host-keys.ts";
import type { StateFolder } from "./state-folder.ts";
import { takeStateLock } from "./state-lock.ts";
import { type AgentStatus, readStatus } from "./status-file.ts";

export interface DescribedStatus {
  running: boolean;
  /** Running, and welcomed by a controller. */
  online: boolean;
  enrolled: boolean;
  stateDir: string;
  fingerprint: string | null;
  /** Of the last run when it is not running now. */
  agent: AgentStatus | null;
}

export function describeStatus(state: StateFolder): DescribedStatus {
  const keys = state.keys();
  const running = isRunning(state);
  const agent = readStatus(state.file("status.json")) ?? null;
  return {
    running,
    // A process that has just started has not overwritten yet what the one before it said.
    online: running && agent?.state === "online" && isAlive(agent.pid),
    enrolled: state.identity() !== undefined,
    stateDir: state.path,
    fingerprint: keys ? hostFingerprint(keys) : null,
    agent,
  };
}

/** Whoever runs holds the lock; one that nobody holds is given back at once. */
function isRunning(state: StateFolder): boolean {
  const lock = takeStateLock(state.file("lock.db"));
  lock?.release();
  return lock === undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // there, and another user's
  }
}

export function statusText(s: DescribedStatus): string {
  if (!s.enrolled) return `Not enrolled. State folder: ${s.stateDir}\n`;
  const { agent } = s;
  const lines: [string, string][] = [
    ["agent", agent ? `${agent.agentName} (${agent.agentId})` : "never ran"],
    ["process", s.running && agent ? `running as ${agent.pid} since ${agent.startedAt}` : "not running"],
    ["state", agent && s.running ? `${agent.state} since ${agent.since}` : "offline"],
    ["reason", agent?.reason ?? ""],
    ["controller", agent?.address ?? ""],
    ["certificate", agent?.certificateNotAfter ? `valid until ${agent.certificateNotAfter}` : ""],
    ["work", agent && s.running ? `${agent.runningAttempts} running, ${agent.spooledBytes} bytes to send` : ""],
    ["degraded", agent?.degraded ?? ""],
    ["version", agent?.version ?? ""],
    ["fingerprint", s.fingerprint ?? ""],
    ["state folder", s.stateDir],
  ];
  const shown = lines.filter(([, value]) => value !== "");
  return shown.map(([name, value]) => `${`${name}:`.padEnd(14)}${value}\n`).join("");
}
