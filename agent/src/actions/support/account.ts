// Users and groups of the host by name or number, as the host itself resolves them (files, LDAP, whatever it uses).
import { type ActionContext, ActionFailed } from "../action.ts";
import { madeBefore } from "../made-before.ts";
import type { Programs } from "./run-program.ts";

type Accounts = Pick<ActionContext, "programs" | "madeBefore">;

/** Its number. In a check a step before may be what makes it: then what is to be said about that. */
export type Resolved = { id: number; waits?: undefined } | { id?: undefined; waits: string };

/** Undefined stays undefined. */
export async function userId(accounts: Accounts, name: string | undefined): Promise<Resolved | undefined> {
  return name === undefined ? undefined : await resolve(accounts, "user", name);
}

export async function groupId(accounts: Accounts, name: string | undefined): Promise<Resolved | undefined> {
  return name === undefined ? undefined : await resolve(accounts, "group", name);
}

/** The fields of its line in the host's database; undefined when there is none. */
export async function accountFields(
  programs: Programs,
  database: "passwd" | "group",
  name: string,
): Promise<string[] | undefined> {
  const { code, stdout } = await programs.run("getent", [database, name]);
  const [line] = stdout.split("\n");
  return code === 0 && line ? line.split(":") : undefined;
}

async function resolve(accounts: Accounts, kind: "user" | "group", name: string): Promise<Resolved> {
  if (/^[0-9]+$/.test(name)) return { id: Number(name) };
  const fields = await accountFields(accounts.programs, kind === "user" ? "passwd" : "group", name);
  if (fields !== undefined) return { id: Number(fields[2]) };
  const waits = madeBefore(accounts.madeBefore, { kind, name });
  if (waits === undefined) throw new ActionFailed(`there is no ${kind} ${name} on this host: make it first`);
  return { waits };
}
