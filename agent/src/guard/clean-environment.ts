// The environment that steps start from: the few variables of the agent that programs need, and never one that makes
// an interpreter or the loader run other code than the step's. Jobs cannot set those either.
import type { Account } from "../process/account.ts";

const inherited = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR"];
const proxies = ["http_proxy", "https_proxy", "no_proxy", "all_proxy"];
const windows = ["SystemRoot", "SystemDrive", "ComSpec", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "ProgramData"];
const base = new Set([...inherited, ...proxies, ...proxies.map((name) => name.toUpperCase()), ...windows]);

const dangerous =
  /^(LD_.*|DYLD_.*|BASH_ENV|ENV|BASHOPTS|SHELLOPTS|PS4|BASH_FUNC_.*|NODE_OPTIONS|PYTHON.*|GIT_SSH.*|PERL5LIB|PERL5OPT|RUBYOPT)$/;

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** From the agent's own environment. */
export function baseEnvironment(own: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(own).filter(([name]) => base.has(name) || name.startsWith("LC_"));
  return { PATH: defaultPath, ...(Object.fromEntries(kept) as Record<string, string>) };
}

/** What changes when another user runs the step. The agent's own folder for temporary files may be closed to it. */
export function accountEnvironment(base: Readonly<Record<string, string>>, account: Account | undefined) {
  if (account === undefined) return base;
  const { TMPDIR: _, ...rest } = base;
  const { name, home, shell } = account;
  return { ...rest, HOME: home, USER: name, LOGNAME: name, SHELL: shell };
}

export function withoutDangerous(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dangerous.test(name)));
}
