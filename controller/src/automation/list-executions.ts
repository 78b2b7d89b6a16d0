// Executions, newest first. Called by GET executions.
import type { Execution, executionListQuery } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { suggest } from "@opsconductor/contract/job/suggest";
import { executionStates } from "@opsconductor/contract/states";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { presentExecution } from "./present-execution.ts";
import { asUuid, selectExecutions } from "./read-queries.ts";

export async function listExecutions(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { limit, cursor, q, state, job, target }: z.infer<typeof executionListQuery>,
): Promise<{ items: Execution[]; nextCursor?: string }> {
  if (![q, job, target].every((text) => text === undefined || isStorable(text))) return { items: [] };
  const states = statesOf(state, executionStates);
  const before = cursor === undefined ? undefined : idOfCursor(cursor);
  const rows = await selectExecutions(ctx.sql, actor, { states, job, target, q, before, limit: limit + 1 });
  const items = rows.slice(0, limit).map(presentExecution);
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.id]) };
}

/** `a,b` as a list of states that the table knows. */
export function statesOf(text: string | undefined, table: Record<string, unknown>): string[] | undefined {
  if (text === undefined) return undefined;
  const states = text.split(",").map((s) => s.trim());
  const unknown = states.find((s) => !Object.hasOwn(table, s));
  if (unknown === undefined) return states;
  const near = suggest(unknown, Object.keys(table));
  const hint = near ? `did you mean ${near}?` : `choose from ${Object.keys(table).join(", ")}.`;
  const message = `${JSON.stringify(unknown)} is no state: ${hint}`;
  throw new OcError("invalid_argument", message, {
    errors: [{ path: "query.state", message, ...(near ? { suggestion: near } : {}) }],
  });
}

export function idOfCursor(cursor: string): string {
  const id = asUuid(decodeCursor(cursor, 1)[0]!);
  if (id === null) throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
  return id;
}
