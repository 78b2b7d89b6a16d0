// A selector as a condition over `assets.targets t`, every value a parameter. Called by target-queries.ts. Gives the
// answer of contract/src/job/select-in-memory.ts; the property test beside this file holds the two together.
import { comparable } from "@opsconductor/contract/job/select-in-memory";
import type { Selector, SelectorField } from "@opsconductor/contract/job/selector";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { stateOfAgent, withSession } from "./agent-state.ts";

/** What a target has at most one value of, and in its own row. */
export type OneValued = Extract<SelectorField, { kind: "label" | "name" | "os" | "fact" }>;
export const isOneValued = (field: SelectorField): field is OneValued =>
  field.kind !== "group" && field.kind !== "service" && field.kind !== "agent";

/** True or false, never null: `not` would keep a null, and a missing label is simply not equal. */
export function selectorSql(sql: Query, selector: Selector): Fragment {
  switch (selector.op) {
    case "and":
      return sql`(${selector.items.map((item, i) => sql`${i ? sql`and` : sql``} ${selectorSql(sql, item)}`)})`;
    case "or":
      return sql`(${selector.items.map((item, i) => sql`${i ? sql`or` : sql``} ${selectorSql(sql, item)}`)})`;
    case "not":
      return sql`not ${selectorSql(sql, selector.item)}`;
    case "has":
      return hasSql(sql, selector.field);
    case "is":
      return isSql(sql, selector.field, selector.values);
    case "like":
      return likeSql(sql, selector.field, selector.pattern);
  }
}

function hasSql(sql: Query, field: SelectorField): Fragment {
  if (field.kind === "group") return sql`(t.id in (select target_id from assets.group_members))`;
  if (field.kind === "service") return offersSql(sql, sql`true`);
  if (field.kind === "agent") return sql`(t.managed_by_agent_id is not null)`;
  return field.kind === "label" ? sql`(t.labels ? ${field.key})` : sql`(${textSql(sql, field)} is not null)`;
}

/** More values than this are looked up in one list: the grants of one person may name dozens. */
const fewValues = 4;

/** Labels by containment, which is what their index answers. */
function isSql(sql: Query, field: SelectorField, values: readonly string[]): Fragment {
  if (field.kind === "label" && values.length <= fewValues) {
    const contains = (value: string) => sql`t.labels @> ${jsonb(sql, { [field.key]: value })}`;
    return sql`(${values.map((value, i) => sql`${i ? sql`or` : sql``} ${contains(value)}`)})`;
  }
  const wanted = values.map((value) => comparable(field, value));
  if (field.kind === "group") return inGroupSql(sql, sql`lower(g.name) = any(${wanted}::text[])`);
  if (field.kind === "service") return offersSql(sql, sql`lower(v.type collate "C") = any(${wanted}::text[])`);
  if (field.kind === "agent") return agentSql(sql, sql`${stateOfAgent(sql)} = any(${wanted}::text[])`);
  return sql`coalesce(${textSql(sql, field)} = any(${wanted}::text[]), false)`;
}

function likeSql(sql: Query, field: SelectorField, glob: string): Fragment {
  const pattern = comparable(field, glob)
    .replaceAll(/[\\%_]/g, "\\$&")
    .replaceAll("*", "%")
    .replaceAll("?", "_");
  if (field.kind === "group") return inGroupSql(sql, sql`lower(g.name) like ${pattern}`);
  if (field.kind === "service") return offersSql(sql, sql`lower(v.type collate "C") like ${pattern}`);
  if (field.kind === "agent") return agentSql(sql, sql`${stateOfAgent(sql)} like ${pattern}`);
  return sql`coalesce(${textSql(sql, field)} like ${pattern}, false)`;
}

/** In a group that `which` means, or in one below it. Nothing in it depends on the target, so it is read once. */
function inGroupSql(sql: Query, which: Fragment): Fragment {
  return sql`(t.id in (select m.target_id from assets.group_members m
    join assets.group_subtree(array(select g.id from assets.groups g where ${which})) s on s = m.group_id))`;
}

/** Offers a service that `which` means, and that is not switched off. */
function offersSql(sql: Query, which: Fragment): Fragment {
  return sql`exists (select from assets.services v where v.target_id = t.id and v.enabled and ${which})`;
}

/** Has an agent in a state that `which` means. */
function agentSql(sql: Query, which: Fragment): Fragment {
  return sql`exists (select from fleet.agents a ${withSession(sql)} where a.id = t.managed_by_agent_id and ${which})`;
}

/** Null where the target has no such value. "C" lowers A to Z only, as the evaluation in memory does. */
export function textSql(sql: Query, field: OneValued): Fragment {
  if (field.kind === "label") return sql`(t.labels ->> ${field.key})`;
  if (field.kind === "name") return sql`lower(t.name)`;
  if (field.kind === "os") return sql`lower(t.os collate "C")`;
  const path = field.path;
  return sql`(case when jsonb_typeof(t.facts #> ${path}::text[]) in ('string', 'number', 'boolean')
    then t.facts #>> ${path}::text[] end)`;
}
