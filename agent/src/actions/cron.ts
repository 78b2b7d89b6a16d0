// `uses: cron`: an entry of cron in a file of its own.
import { join } from "node:path";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Action } from "./action.ts";
import { planFile, planFileAbsent } from "./support/plan-file.ts";

type Parameters = ActionParameters<"cron">;

export const cron: Action<Parameters> = async (parameters, context) => {
  const path = join(parameters.directory, parameters.name);
  if (parameters.state === "absent") return planFileAbsent(path, false, context);
  // Cron takes no file that others may write.
  return planFile({ path, content: Buffer.from(entry(parameters)), mode: "0644", backup: false }, context);
};

function entry({ schedule, user, command, env }: Parameters): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
  return [
    "# Kept by OpsConductor; changes are overwritten.",
    ...variables,
    `${schedule} ${user} ${command!.replaceAll(/(?<!\\)%/g, "\\%")}`,
    "",
  ].join("\n");
}

/** Cron takes quotes off at both ends and reads nothing in between. */
function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
