// A user of this host as the host itself resolves it (files, LDAP, whatever it uses): who runs a step with `runAs`.
// Asked right before each start, since an earlier step may have made the user.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface Account {
  name: string;
  uid: number;
  gid: number;
  /** All of them, also the first. */
  groups: readonly number[];
  home: string;
  shell: string;
}

const run = promisify(execFile);
/** A directory server that does not answer must not hold the step for ever. */
const options = { timeout: 15_000, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" } };
/** getent: the key is not in the database. */
const unknownKey = 2;

/** Undefined: there is none of that name. Throws when the host cannot tell. */
export async function findAccount(name: string): Promise<Account | undefined> {
  const line = await passwdLine(name);
  if (line === undefined) return undefined;
  const [, , uid, gid, , home, shell] = line.split(":");
  const { stdout } = await run("id", ["-G", "--", name], options);
  const groups = [...new Set([Number(gid), ...(stdout.match(/\d+/g) ?? []).map(Number)])];
  const known = { home: home || "/", shell: shell || "/bin/sh" };
  return { name: line.split(":")[0]!, uid: Number(uid), gid: Number(gid), groups, ...known };
}

async function passwdLine(name: string): Promise<string | undefined> {
  try {
    const { stdout } = await run("getent", ["passwd", "--", name], options);
    return stdout.split("\n").find((line) => line.split(":").length >= 7);
  } catch (error) {
    if ((error as { code?: number | string }).code === unknownKey) return undefined;
    throw error;
  }
}
