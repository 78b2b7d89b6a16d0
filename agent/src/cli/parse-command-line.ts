// The command line as a checked value. Pure; called by main.ts.
import { parseArgs } from "node:util";

const commands = [
  "enroll",
  "run",
  "status",
  "fingerprint",
  "version",
  "certificate-request",
  "exec",
  "audit",
  "help",
] as const;
export type CommandName = (typeof commands)[number];

export interface CommandLine {
  command: CommandName;
  join?: string | undefined;
  server?: string | undefined;
  name?: string | undefined;
  stateDir?: string | undefined;
  policy?: string | undefined;
  dial?: string | undefined;
  /** Of exec. */
  file?: string | undefined;
  /** Of exec: `name=value`. */
  inputs?: string[] | undefined;
  json: boolean;
  force: boolean;
}

export class BadCommandLine extends Error {
  override readonly name = "BadCommandLine";
}

export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  if (values.help || positionals[0] === undefined) return { command: "help", json: false, force: false };
  const [first, ...rest] = positionals;
  const command = commands.find((c) => c === first);
  if (command === undefined) throw new BadCommandLine(`There is no command ${JSON.stringify(first)}`);
  const file = command === "exec" ? rest.shift() : undefined;
  if (command === "exec" && file === undefined) throw new BadCommandLine("exec needs the file of a job");
  if (rest.length > 0) throw new BadCommandLine(`${command} takes no ${JSON.stringify(rest[0])}`);
  if (command === "enroll")
    for (const needed of ["join", "server"] as const)
      if (!values[needed]) throw new BadCommandLine(`enroll needs --${needed}`);
  const { join, server, name, policy, dial } = values;
  const flags = { json: values.json ?? false, force: values.force ?? false };
  const { input: inputs } = values;
  return { command, join, server, name, policy, dial, file, inputs, stateDir: values["state-dir"], ...flags };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        join: { type: "string" },
        server: { type: "string" },
        name: { type: "string" },
        "state-dir": { type: "string" },
        policy: { type: "string" },
        dial: { type: "string" },
        input: { type: "string", multiple: true },
        json: { type: "boolean" },
        force: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new BadCommandLine((error as Error).message);
  }
}
