// Whether an account may still do something over everything: asked where one person began what another finishes later,
// as with a join token. Called by enroll-agent.ts.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Query } from "../context.ts";
import { mayEverywhere, rightsOf } from "./grants.ts";
import { selectUser } from "./user-queries.ts";

export async function holdsEverywhere(q: Query, userId: string, permission: Permission): Promise<boolean> {
  const user = await selectUser(q, userId);
  return user?.active === true && mayEverywhere(rightsOf(user.permissions, user.grants), permission);
}
