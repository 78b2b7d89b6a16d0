// zypper: SUSE and openSUSE. Used by find-package-manager.ts. What it would do is read as XML, which is meant for programs.
import { ActionFailed } from "../action.ts";
import { type Log, lockTimeoutS, type PackageChange, type PackageManager } from "./package-manager.ts";
import { managerFailed } from "./package-words.ts";
import { rpmInstalled } from "./rpm-installed.ts";
import type { ProgramEnd, Programs } from "./run-program.ts";
import { elementsOf } from "./xml-text.ts";

const env = { ZYPP_LOCK_TIMEOUT: String(lockTimeoutS) };
/** zypper(8), exit codes: 102 and 103 say that the host or zypper itself is to be restarted; everything was done. */
const succeeded = [0, 102, 103];

export function zypper(programs: Programs): PackageManager {
  const run = async (args: readonly string[], log: Log) => {
    const end = await programs.run("zypper", ["--non-interactive", ...args], { env, onLine: log });
    if (!succeeded.includes(end.code)) throw managerFailed(`zypper ${args[0]}`, end);
  };
  return {
    installed: (names) => rpmInstalled(programs, names),
    simulate: async (change) => {
      const [verb, ...rest] = argumentsOf(change);
      const args = ["--non-interactive", "--no-refresh", "--xmlout", verb!, "--dry-run", ...rest];
      return planOf(verb!, await programs.run("zypper", args, { env }));
    },
    perform: (change, log) => run(argumentsOf(change), log),
    refresh: (log) => run(["refresh"], log),
  };
}

function argumentsOf({ verb, names }: PackageChange): string[] {
  const agree = "--auto-agree-with-licenses";
  switch (verb) {
    case "install":
      return ["install", agree, "--", ...names];
    case "upgrade":
      return ["update", agree, "--", ...names];
    case "remove":
      return ["remove", "--", ...names];
    case "upgradeAll":
      return ["update", agree];
  }
}

const verbs: Record<string, string> = {
  "to-install": "install",
  "to-reinstall": "install",
  "to-upgrade": "upgrade",
  "to-downgrade": "downgrade",
  "to-remove": "remove",
};

/** As zypper's own xmlout.rnc describes it: `install-summary` with what is to be done, or a prompt about a problem. */
function planOf(verb: string, end: ProgramEnd): string[] {
  const problem = elementsOf(end.stdout, "description").find(({ text }) => text.startsWith("Problem:"))?.text;
  if (problem !== undefined) throw new ActionFailed(`zypper ${verb} failed: ${oneLine(problem)}`);
  const errors = elementsOf(end.stdout, "message").filter(({ attributes }) => attributes.type === "error");
  if (errors.length > 0)
    throw new ActionFailed(
      `zypper ${verb} failed (${end.code}): ${errors.map(({ text }) => oneLine(text)).join(" | ")}`,
    );
  if (!succeeded.includes(end.code)) throw managerFailed(`zypper ${verb}`, end);
  return Object.entries(verbs).flatMap(([group, word]) =>
    elementsOf(end.stdout, group).flatMap(({ inner }) =>
      elementsOf(inner, "solvable").map(({ attributes }) => wordsOf(word, attributes)),
    ),
  );
}

function wordsOf(verb: string, solvable: Record<string, string>): string {
  const { name, edition, "edition-old": old } = solvable;
  if (verb === "remove") return `remove ${name}`;
  return old === undefined ? `${verb} ${name} ${edition}` : `${verb} ${name} ${old} to ${edition}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, "; ").trim();
}
