// The first account: made at the first start with a random password that the start prints once, or with
// OC_ADMIN_PASSWORD. Called by the start; does nothing when any user exists.
import { randomInt } from "node:crypto";
import { writeAudit } from "../communication/audit.ts";
import { type Context, systemActor } from "../context.ts";
import { hashPassword } from "./password-hash.ts";
import { anyUserExists, insertRole, insertUser, insertUserRole, lockFirstUser } from "./user-queries.ts";

export const administratorName = "admin";

/** The password to print once; undefined when it was given by the configuration or the account exists. */
export async function createAdministrator(ctx: Context): Promise<string | undefined> {
  if (await anyUserExists(ctx.sql)) return undefined;
  const given = ctx.config.adminPassword;
  const password = given ?? randomPassword();
  const passwordHash = await hashPassword(password);
  const created = await ctx.sql.begin(async (tx) => {
    await lockFirstUser(tx);
    if (await anyUserExists(tx)) return false;
    const user = { id: ctx.newId(), username: administratorName, displayName: "Administrator" };
    const role = { id: ctx.newId(), name: "administrator", description: "May do everything", permissions: ["*"] };
    await insertUser(tx, { ...user, passwordHash, mustChangePassword: given === undefined, now: ctx.now() });
    await insertRole(tx, role);
    await insertUserRole(tx, user.id, role.id);
    const object = { kind: "user", id: user.id, name: user.username };
    await writeAudit(ctx, tx, systemActor, { action: "user.created", object, after: { roles: [role.name] } });
    return true;
  });
  return created && given === undefined ? password : undefined;
}

/** 99 bits in groups that can be read aloud, without letters that look alike. */
function randomPassword(): string {
  const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
  const group = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join("");
  return [group(), group(), group(), group()].join("-");
}
