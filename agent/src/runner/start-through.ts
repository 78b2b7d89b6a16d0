// The programs that start a step's command with limits and as another user, from util-linux: each sets what it is asked
// and becomes the next. Called at the start of a try.
import type { Account } from "../process/account.ts";
import { findProgram } from "./find-program.ts";

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Throws when one of them is not installed. */
export function startThrough(processLimits: readonly string[], account: Account | undefined): string[] {
  const limiting = processLimits.length === 0 ? [] : [program("prlimit"), ...processLimits, "--"];
  return account === undefined ? limiting : [...limiting, program("setpriv"), ...identityOf(account), "--"];
}

// A user that is root keeps what root may do; others get nothing of it, also not through what is inherited.
function identityOf({ uid, gid, groups }: Account): string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups.join(",")}`, "--inh-caps=-all"];
}

function program(name: string): string {
  const found = findProgram(name, systemPath, "/");
  if (found === undefined) throw new Error(`${name} is not installed on this host: install util-linux`);
  return found;
}
