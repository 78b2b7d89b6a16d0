// apk: Alpine. Used by find-package-manager.ts.
import { ActionFailed } from "../action.ts";
import { type Log, lockTimeoutS, type PackageChange, type PackageManager } from "./package-manager.ts";
import { linesOf, managerFailed } from "./package-words.ts";
import type { Programs } from "./run-program.ts";

const common = ["--no-progress", "--wait", String(lockTimeoutS)];

export function apk(programs: Programs): PackageManager {
  const run = async (args: readonly string[], log?: Log) => {
    const end = await programs.run("apk", [...common, ...args], log && { onLine: log });
    if (end.code === 0) return end.stdout;
    throw managerFailed(`apk ${args.find((arg) => !arg.startsWith("-"))}`, end);
  };
  return {
    installed: async (names) => {
      const found = new Set<string>();
      for (const name of names) if ((await programs.run("apk", ["info", "-e", name])).code === 0) found.add(name);
      return found;
    },
    simulate: async (change) => {
      const told = linesOf(await run(["--simulate", ...argumentsOf(change)]));
      // It says so, does something else than it was asked for, and ends with 0.
      const kept = told.findIndex((line) => line.includes("are not removed due to"));
      if (kept !== -1)
        throw new ActionFailed(
          `others need it: ${told
            .slice(kept + 1, kept + 4)
            .map((line) => line.trim())
            .join(" | ")}`,
        );
      return told.flatMap(wordsOf);
    },
    perform: async (change, log) => void (await run(argumentsOf(change), log)),
    refresh: async (log) => void (await run(["update"], log)),
  };
}

function argumentsOf({ verb, names }: PackageChange): string[] {
  if (verb === "upgradeAll") return ["upgrade"];
  return [...(verb === "remove" ? ["del"] : ["add", "--upgrade"]), ...names];
}

/** apk-tools, src/commit.c (print_change): `(1/2) Upgrading name (old -> new)`. */
function wordsOf(line: string): string[] {
  const [, verb, name, versions] =
    /^\(\d+\/\d+\) (Installing|Upgrading|Downgrading|Purging) (\S+) \((.*)\)$/.exec(line) ?? [];
  switch (verb) {
    case undefined:
      return [];
    case "Installing":
      return [`install ${name} ${versions}`];
    case "Purging":
      return [`remove ${name}`];
    default:
      return [`${verb.slice(0, -3).toLowerCase()}e ${name} ${versions!.replace(" -> ", " to ")}`];
  }
}
