// dnf, and yum, which it grew from: Fedora, RHEL and what comes from them. Used by find-package-manager.ts.
import type { Log, PackageChange, PackageManager } from "./package-manager.ts";
import { managerFailed } from "./package-words.ts";
import { rpmInstalled, rpmVersions } from "./rpm-installed.ts";
import type { Programs } from "./run-program.ts";

export function dnf(programs: Programs, program: "dnf" | "yum"): PackageManager {
  const run = async (args: readonly string[], log: Log) => {
    const end = await programs.run(program, ["-y", "-q", ...args], { onLine: log });
    if (end.code !== 0) throw managerFailed(`${program} ${args[0]}`, end);
  };
  return {
    installed: (names) => rpmInstalled(programs, names),
    simulate: async (change) => {
      const end = await programs.run(program, ["--assumeno", ...argumentsOf(change)]);
      const { code, stdout, stderr } = end;
      // It ends with 1 because nobody agreed, and with 1 when it cannot be done.
      if (code !== 0 && !/^(Operation aborted|Exiting on user command)/m.test(`${stdout}\n${stderr}`))
        throw managerFailed(`${program} ${argumentsOf(change)[0]}`, end);
      const rows = rowsOf(stdout);
      const old = await rpmVersions(
        programs,
        rows.filter(({ verb }) => verb.endsWith("grade")).map(({ name }) => name),
      );
      return rows.map(({ verb, name, version }) => {
        if (verb === "install") return `install ${name} ${version}`;
        return verb === "remove" ? `remove ${name}` : `${verb} ${name} ${old.get(name) ?? ""} to ${version}`;
      });
    },
    perform: (change, log) => run(argumentsOf(change), log),
    refresh: (log) => run(["makecache"], log),
  };
}

/** `install` leaves an older version that is there as it is. */
function argumentsOf({ verb, names }: PackageChange): string[] {
  if (verb === "upgradeAll") return ["upgrade"];
  return [verb, ...names.map((name) => name.replace("=", " = "))];
}

const verbs: Record<string, string> = {
  Installing: "install",
  Reinstalling: "install",
  Upgrading: "upgrade",
  Updating: "upgrade",
  Downgrading: "downgrade",
  Removing: "remove",
};

/**
 * The table before the question: headings like `Installing dependencies:`, and below them rows of name, architecture,
 * version, repository and size; a long name has a line of its own. The same in yum, dnf 4 (cli/output.py,
 * list_transaction) and dnf 5 (transaction_table.cpp), which adds `replacing …` below an upgrade.
 */
function rowsOf(text: string): { verb: string; name: string; version: string }[] {
  const table = text.split(/^Transaction Summary/m)[0]!.replaceAll(/^\s+replacing .*$/gm, "");
  const parts = table.split(/^([A-Z][a-z]+)(?: [a-z ]+)?:$/m);
  return parts.flatMap((heading, index) => {
    const verb = index % 2 === 1 && Object.hasOwn(verbs, heading) ? verbs[heading]! : undefined;
    if (verb === undefined) return [];
    const rows = parts[index + 1]!.matchAll(
      /^ (\S+)\s+([a-z][a-z0-9_]+)\s+(\S*[0-9]\S*)\s+\S+\s+[0-9.]+(?: \S+)? *$/gm,
    );
    return [...rows].map(([, name, , version]) => ({ verb, name: name!, version: version!.replace(/^0:/, "") }));
  });
}
