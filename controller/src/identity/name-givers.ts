// Names of a few people who can give somebody a permission, for messages that say whom to ask. Called by
// missing-approvers.ts and missing-permission.ts.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Query } from "../context.ts";
import { selectGivers } from "./giver-queries.ts";

const maxGivers = 5;

export async function nameGivers(q: Query, permission: Permission | "*"): Promise<string[]> {
  return await selectGivers(q, permission, maxGivers);
}
