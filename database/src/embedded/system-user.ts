// PostgreSQL refuses to run as root: who runs it instead. Called by embedded-postgres.ts and the test harness.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname } from "node:path";

export interface RunAs {
  uid: number;
  gid: number;
  name: string;
}

const dedicated = "opsconductor";

/** The user for PostgreSQL's processes; undefined when we are not root and it simply runs as ourselves. */
export function postgresUser(options: { mayCreate: boolean }): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = lookUp(dedicated) ?? (options.mayCreate ? create() : undefined) ?? lookUp("nobody");
  if (!user) throw new Error("PostgreSQL cannot run as root, and there is neither a user opsconductor nor nobody");
  return user;
}

/** Owner of an existing cluster: it goes on running as who made it. */
export function ownerOf(path: string): RunAs | undefined {
  const { uid, gid } = statSync(path);
  return process.getuid?.() === 0 ? { uid, gid, name: String(uid) } : undefined;
}

function lookUp(name: string): RunAs | undefined {
  const id = (flag: string) =>
    Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  try {
    return { uid: id("-u"), gid: id("-g"), name };
  } catch {
    return undefined; // `id` says so by its exit code: there is no such user
  }
}

function create(): RunAs | undefined {
  try {
    const options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"];
    execFileSync("useradd", [...options, "--shell", "/usr/sbin/nologin", dedicated], { stdio: "ignore" });
  } catch {
    return undefined; // no useradd, or a read-only /etc: `nobody` serves as well
  }
  return lookUp(dedicated);
}

/** Whether `user` can reach `path` through every folder above it, judged by modes (ACLs are not looked at). */
export function canReach(path: string, user: RunAs | undefined): boolean {
  if (!user) return true;
  for (let at = dirname(path); ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const execute = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & execute) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
