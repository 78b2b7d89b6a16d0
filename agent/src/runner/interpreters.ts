// How each `shell:` of the job format runs a script: from a file, never by splicing text into a command line. Scripts of
// sh and bash stop at the first failing command, as in the CI systems people know.
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { findProgram } from "./find-program.ts";

interface Interpreter {
  /** The first that is installed is taken. */
  programs: readonly string[];
  args: readonly string[];
  extension: string;
  preamble?: string;
  /** Ships with the agent. */
  fallback?: string;
}

type Run = Exclude<PlannedStep["run"], { kind: "action" }>;
type Shell = NonNullable<(Run & { kind: "script" })["shell"]>;

// Without the first line PowerShell goes on after an error; without the last a failed program's code is lost.
const powershell = {
  args: ["-NoProfile", "-NonInteractive", "-File"],
  extension: ".ps1",
  preamble: "$ErrorActionPreference = 'Stop'\n",
};

const interpreters: Record<Shell, Interpreter> = {
  sh: { programs: ["sh"], args: ["-e"], extension: ".sh" },
  bash: { programs: ["bash"], args: ["--noprofile", "--norc", "-eo", "pipefail"], extension: ".sh" },
  python: { programs: ["python3", "python"], args: ["-u"], extension: ".py" },
  node: { programs: ["node"], args: [], extension: ".js", fallback: process.execPath },
  pwsh: { programs: ["pwsh"], ...powershell },
  powershell: { programs: ["powershell"], ...powershell },
  cmd: { programs: ["cmd"], args: ["/D", "/E:ON", "/V:OFF", "/S", "/C", "call"], extension: ".cmd" },
};

export interface Command {
  argv: string[];
  /** To be written to `scriptName` in the try's folder, which argv names by `scriptPath`. */
  script: string | undefined;
  scriptName: string;
}

export type ResolvedCommand = { command: Command; missing: undefined } | { command: undefined; missing: string };

/** `argv` is the expanded list of an exec step. */
export function resolveCommand(
  run: Run,
  argv: readonly string[],
  place: { folder: string; workingFolder: string; path: string },
): ResolvedCommand {
  if (run.kind === "exec") return resolveArgv(argv, place);
  const shell = run.shell ?? "sh";
  const interpreter = interpreters[shell];
  const program = firstProgram(interpreter, place) ?? interpreter.fallback;
  if (program === undefined)
    return missing(`${interpreter.programs[0]} is not installed on this host (looked in ${place.path})`);
  const scriptName = `script${interpreter.extension}`;
  const script = `${interpreter.preamble ?? ""}${run.text}`;
  return {
    command: { argv: [program, ...interpreter.args, `${place.folder}/${scriptName}`], script, scriptName },
    missing: undefined,
  };
}

function resolveArgv(argv: readonly string[], place: { workingFolder: string; path: string }): ResolvedCommand {
  const [name, ...args] = argv;
  const program = findProgram(name!, place.path, place.workingFolder);
  if (program === undefined) {
    const where = name!.includes("/") ? "" : ` (looked in ${place.path})`;
    return missing(`${name} is not an executable program on this host${where}`);
  }
  return { command: { argv: [program, ...args], script: undefined, scriptName: "" }, missing: undefined };
}

function firstProgram(interpreter: Interpreter, place: { workingFolder: string; path: string }): string | undefined {
  for (const name of interpreter.programs) {
    const found = findProgram(name, place.path, place.workingFolder);
    if (found !== undefined) return found;
  }
  return undefined;
}

function missing(reason: string): ResolvedCommand {
  return { command: undefined, missing: reason };
}
