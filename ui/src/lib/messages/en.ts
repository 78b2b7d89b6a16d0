// The English messages, one file per area; every text a person reads in the console comes from here.
import { account } from "./en/account.ts";
import { agents } from "./en/agents.ts";
import { audit } from "./en/audit.ts";
import { common } from "./en/common.ts";
import { database } from "./en/database.ts";
import { executions } from "./en/executions.ts";
import { jobs } from "./en/jobs.ts";
import { overview } from "./en/overview.ts";
import { problemNote, problems } from "./en/problems.ts";
import { recovery } from "./en/recovery.ts";
import { shell } from "./en/shell.ts";
import { states } from "./en/states.ts";
import { targets } from "./en/targets.ts";
import { users } from "./en/users.ts";

export const en = {
  common,
  shell,
  states,
  problems,
  problemNote,
  account,
  overview,
  agents,
  targets,
  jobs,
  executions,
  audit,
  users,
  recovery,
  database,
};
