// The package manager and the updates that wait, from what the host already knows: no repository is asked, because a
// report of facts must cost nothing and work without a network.
import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseApkVersion, parseAptSimulation, parseDnfCheck, type Updates } from "./parse-facts.ts";

interface Manager {
  name: string;
  program: string;
  args: string[];
  /** Exit codes that mean success; dnf says 100 when updates wait. */
  codes: number[];
  parse: (text: string) => Updates;
  /** What changes when updates come or go. */
  changes: string[];
}

const managers: Manager[] = [
  {
    name: "apt",
    program: "/usr/bin/apt-get",
    args: ["--simulate", "--quiet", "-o", "Debug::NoLocking=true", "upgrade"],
    codes: [0],
    parse: parseAptSimulation,
    changes: ["/var/lib/dpkg/status", "/var/lib/apt/lists"],
  },
  {
    name: "dnf",
    program: "/usr/bin/dnf",
    args: ["--cacheonly", "--quiet", "check-update"],
    codes: [0, 100],
    parse: parseDnfCheck,
    changes: ["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/var/cache/dnf"],
  },
  {
    name: "apk",
    program: "/sbin/apk",
    args: ["--no-network", "version", "-l", "<"],
    codes: [0],
    parse: parseApkVersion,
    changes: ["/lib/apk/db/installed", "/var/cache/apk"],
  },
];

const namesKept = 50;
const timeoutMs = 120_000;
/** An agent that is restarted again and again must not take its host's CPU; reports come every five minutes anyway. */
const firstCountAfterMs = 60_000;

export interface PackageFacts {
  manager: string;
  /** Absent when the manager could not tell. */
  updates?: { count: number; security: number; names: string[] };
}

/**
 * What is known now, at once. Counting the updates takes apt seconds of CPU (3.5 s measured with 1,200 packages), so it
 * is done behind, at low priority, a minute after the start, and again only when the package database or the lists have
 * changed; the next report carries it.
 */
export function createPackageFacts(): () => PackageFacts | undefined {
  const manager = managers.find(({ program }) => existsSync(program));
  if (!manager) return () => (existsSync("/usr/bin/zypper") ? { manager: "zypper" } : undefined);
  let known: PackageFacts = { manager: manager.name };
  let countedAt = "";
  const settled = sleep(firstCountAfterMs, undefined, { ref: false });
  return () => {
    const changedAt = manager.changes.map(modifiedMs).join(" ");
    if (changedAt !== countedAt) {
      countedAt = changedAt;
      void settled
        .then(() => count(manager))
        .then((facts) => {
          known = facts;
        });
    }
    return known;
  };
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function count(manager: Manager): Promise<PackageFacts> {
  const text = await run(manager);
  if (text === undefined) return { manager: manager.name };
  const { names, security } = manager.parse(text);
  return { manager: manager.name, updates: { count: names.length, security, names: names.slice(0, namesKept) } };
}

function run({ program, args, codes }: Manager): Promise<string | undefined> {
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, timeout: timeoutMs, maxBuffer: 8 << 20 }, (error, stdout) => {
      const code = error === null ? 0 : error.code;
      resolve(typeof code === "number" && codes.includes(code) ? stdout : undefined);
    });
    if (child.pid !== undefined) lowerPriority(child.pid);
    child.unref();
  });
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, 19);
  } catch {
    // It has already ended: nothing left to lower.
  }
}
