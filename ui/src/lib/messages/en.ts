// The English messages that come with the first load, one file per area; those of area.ts come with their pages.
import { account } from "./en/account.ts";
import { agents } from "./en/agents.ts";
import { common } from "./en/common.ts";
import { database } from "./en/database.ts";
import { executions } from "./en/executions.ts";
import { jobs } from "./en/jobs.ts";
import { problemNote, problems } from "./en/problems.ts";
import { shell } from "./en/shell.ts";
import { states } from "./en/states.ts";
import { targets } from "./en/targets.ts";

export const en = {
  common,
  shell,
  states,
  problems,
  problemNote,
  account,
  agents,
  targets,
  jobs,
  executions,
  database,
};
