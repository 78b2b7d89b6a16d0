// Users and groups of the host by name or number, as the host itself resolves them (files, LDAP, whatever it uses).
import { ActionFailed } from "../action.ts";
import type { Programs } from "./run-program.ts";

/** Undefined stays undefined. */
export async function userId(programs: Programs, name: string | undefined): Promise<number | undefined> {
  return name === undefined ? undefined : (await resolve(programs, "passwd", name)).id;
}

export async function groupId(programs: Programs, name: string | undefined): Promise<number | undefined> {
  return name === undefined ? undefined : (await resolve(programs, "group", name)).id;
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

async function resolve(programs: Programs, database: "passwd" | "group", name: string): Promise<{ id: number }> {
  if (/^[0-9]+$/.test(name)) return { id: Number(name) };
  const fields = await accountFields(programs, database, name);
  if (fields === undefined)
    throw new ActionFailed(
      `there is no ${database === "passwd" ? "user" : "group"} ${name} on this host: make it first`,
    );
  return { id: Number(fields[2]) };
}
