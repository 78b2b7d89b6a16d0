// The first account: made at the first start with a random password that the start prints once, or with
// OC_ADMIN_PASSWORD. Called by the start; does nothing when any user exists.
import { randomInt } from "node:crypto";
import { writeAudit } from "../communication/audit.ts";
import { type Context, systemActor } from "../context.ts";
import { StartRefused } from "../start-refused.ts";
import { ensureBuiltInRoles } from "./built-in-roles.ts";
import { hashPassword } from "./password-hash.ts";
import { passwordProblem } from "./password-policy.ts";
import { selectRolesByName } from "./role-queries.ts";
import { anyUserExists, insertUser, insertUserRole, lockFirstUser } from "./user-queries.ts";

export const administratorName = "admin";

/**
 * `announce` is given the random password inside the transaction: whoever kills the program between the two sees a
 * password that does not work and gets another one at the next start, and never an account nobody can enter.
 */
export async function createAdministrator(ctx: Context, announce: (password: string) => void): Promise<void> {
  await ensureBuiltInRoles(ctx);
  if (await anyUserExists(ctx.sql)) return;
  const given = ctx.config.adminPassword;
  const problem = given && passwordProblem(given, administratorName);
  if (problem) throw new StartRefused(`OC_ADMIN_PASSWORD is refused: ${problem}.`, { exitCode: 2 });
  const password = given ?? randomPassword();
  const passwordHash = await hashPassword(password);
  await ctx.sql.begin(async (tx) => {
    await lockFirstUser(tx);
    if (await anyUserExists(tx)) return;
    const user = { id: ctx.newId(), username: administratorName, displayName: "Administrator" };
    await insertUser(tx, { ...user, passwordHash, mustChangePassword: given === undefined, now: ctx.now() });
    const [role] = await selectRolesByName(tx, ["admin"]);
    await insertUserRole(tx, user.id, role!.id);
    const object = { kind: "user", id: user.id, name: user.username };
    await writeAudit(ctx, tx, systemActor, { action: "user.created", object, after: { roles: [role!.name] } });
    if (given === undefined) announce(password);
  });
}

/** 99 bits in groups that can be read aloud, without letters that look alike. */
function randomPassword(): string {
  const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
  const group = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join("");
  return [group(), group(), group(), group()].join("-");
}
