// What a supervisor executes for its step, as a file that supervisor.sh reads right before the command begins: working
// folder, environment, command. Every value is quoted: nothing of it is ever read as shell. Used by supervisor.ts.

export interface Command {
  workingFolder: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Found in the environment of everything that the step starts. */
  mark: string;
  /** cgroups that limit it: nothing runs unless it is in each of them. */
  limitedBy?: readonly string[];
  /** Programs that start the command in their turn, each with its options: they set its user and its limits. */
  through?: readonly string[];
}

export const jobName = "job";

/** Names that some shell keeps for itself or gives a meaning of its own: env(1) sets them behind its back. */
const reserved = /^(UID|EUID|PPID|GROUPS|BASH.*|OPTIND|SHELLOPTS|IFS|LINENO|PS[124]|SECONDS|RANDOM|_)$/;
const shellName = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function jobFile({ workingFolder, argv, env, mark, limitedBy = [], through = [] }: Command): string {
  const entries = Object.entries({ ...env, OC_PROCESS_MARK: mark });
  const [plain, special] = [entries.filter(([name]) => isPlain(name)), entries.filter(([name]) => !isPlain(name))];
  const setting = special.length === 0 ? [] : ["/usr/bin/env", ...special.map(([name, value]) => `${name}=${value}`)];
  return [
    ...limitedBy.map((folder) => `echo 0 >${quote(`${folder}/cgroup.procs`)} || exit 126`),
    `cd ${quote(workingFolder)} && unset OLDPWD || exit`,
    ...plain.map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec ${[...setting, ...through, ...argv].map(quote).join(" ")}\n`,
  ].join("\n");
}

function isPlain(name: string): boolean {
  return shellName.test(name) && !reserved.test(name);
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
