// A selector as a condition over `assets.targets t`, every value a parameter. Called by target-queries.ts. Gives the
// answer of contract/src/job/select-in-memory.ts; the property test beside this file holds the two together.
import { matchesGlob } from "@opsconductor/contract/job/glob";
import { comparable, factValues } from "@opsconductor/contract/job/select-in-memory";
import type { Selector, SelectorField } from "@opsconductor/contract/job/selector";
import { type AgentState, agentStates } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { agentIsIn, stateOfAgent, withSession } from "./agent-state.ts";

/** What a target has at most one value of, and which is read from a row. */
export type OneValued = Extract<SelectorField, { kind: "label" | "name" | "os" | "fact" }>;
export const isOneValued = (field: SelectorField): field is OneValued =>
  field.kind !== "group" && field.kind !== "service" && field.kind !== "agent";

/**
 * How lists that belong to targets (members, services, facts, agents) are read. "all" reads each list once, for statements that
 * look at every target; "each" asks an index for each target, for a walk that ends soon; "planned" leaves it to PostgreSQL.
 * The wrong way round is 100,000 lookups, or 100,000 rows read for fifty targets.
 */
export type Reading = "planned" | "each" | "all";

/** True or false, never null: `not` would keep a null, and a missing label is simply not equal. */
export function selectorSql(sql: Query, selector: Selector, reading: Reading = "planned"): Fragment {
  switch (selector.op) {
    case "and":
      return sql`(${selector.items.map((item, i) => sql`${i ? sql`and` : sql``} ${selectorSql(sql, item, reading)}`)})`;
    case "or":
      return sql`(${selector.items.map((item, i) => sql`${i ? sql`or` : sql``} ${selectorSql(sql, item, reading)}`)})`;
    case "not":
      return sql`not ${selectorSql(sql, selector.item, reading)}`;
    case "has":
      return hasSql(sql, selector.field, reading);
    case "is":
      return isSql(sql, selector.field, selector.values, reading);
    case "like":
      return likeSql(sql, selector.field, selector.pattern, reading);
  }
}

function hasSql(sql: Query, field: SelectorField, reading: Reading): Fragment {
  if (field.kind === "group" && reading === "each")
    return sql`exists (select from assets.group_members m where m.target_id = t.id offset 0)`;
  if (field.kind === "group") return sql`(t.id in (select target_id from assets.group_members))`;
  if (field.kind === "service") return offersSql(sql, reading, sql`true`);
  if (field.kind === "agent") return sql`(t.managed_by_agent_id is not null)`;
  if (field.kind === "fact") return factsSql(sql, reading, sql`${factText(sql, field.path)} is not null`);
  return field.kind === "label" ? sql`(t.labels ? ${field.key})` : sql`(${textSql(sql, field)} is not null)`;
}

/** More values than this are looked up in one list: the grants of one person may name dozens. */
const fewValues = 4;

function isSql(sql: Query, field: SelectorField, values: readonly string[], reading: Reading): Fragment {
  if (field.kind === "label" && values.length <= fewValues)
    return containsSql(
      sql,
      sql`t.labels`,
      values.map((value) => ({ [field.key]: value })),
    );
  if (field.kind === "fact") return factsSql(sql, reading, factIsSql(sql, field.path, values));
  const wanted = values.map((value) => comparable(field, value));
  if (field.kind === "group") return inGroupSql(sql, reading, sql`lower(g.name) = any(${wanted}::text[])`);
  if (field.kind === "service") return offersSql(sql, reading, sql`lower(v.type collate "C") = any(${wanted}::text[])`);
  if (field.kind === "agent")
    return agentSql(
      sql,
      reading,
      agentStates.filter((state) => wanted.includes(state)),
    );
  if (field.kind === "name") return sql`(${textSql(sql, field)} = any(${wanted}::text[]))`;
  return sql`coalesce(${textSql(sql, field)} = any(${wanted}::text[]), false)`;
}

function factIsSql(sql: Query, path: readonly string[], values: readonly string[]): Fragment {
  if (values.length > fewValues || path.some((part) => isPlace.test(part)))
    return sql`${factText(sql, path)} = any(${values as string[]}::text[])`;
  const parts = values.flatMap(factValues).map((value) => nested(path, value));
  return containsSql(sql, sql`f.facts`, parts);
}

/** Has facts that `which` means. */
function factsSql(sql: Query, reading: Reading, which: Fragment): Fragment {
  if (reading === "all") return sql`(t.id in (select f.target_id from assets.target_facts f where ${which}))`;
  return sql`exists (select from assets.target_facts f where f.target_id = t.id and ${which}
    ${reading === "each" ? sql`offset 0` : sql``})`;
}

/** By containment, which is what the index answers. */
function containsSql(sql: Query, column: Fragment, parts: readonly object[]): Fragment {
  const conditions = parts.map((part, i) => sql`${i ? sql`or` : sql``} ${column} @> ${jsonb(sql, part)}`);
  return sql`(${conditions})`;
}

/** In a path such a part may be a place in a list, which containment knows nothing of. */
const isPlace = /^-?\d+$/;

const nested = (path: readonly string[], value: unknown): object =>
  path.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value) as object;

function likeSql(sql: Query, field: SelectorField, glob: string, reading: Reading): Fragment {
  const wanted = comparable(field, glob);
  const pattern = wanted
    .replaceAll(/[\\%_]/g, "\\$&")
    .replaceAll("*", "%")
    .replaceAll("?", "_");
  if (field.kind === "group") return inGroupSql(sql, reading, sql`lower(g.name) like ${pattern}`);
  if (field.kind === "service") return offersSql(sql, reading, sql`lower(v.type collate "C") like ${pattern}`);
  if (field.kind === "agent")
    return agentSql(
      sql,
      reading,
      agentStates.filter((state) => matchesGlob(wanted, state)),
    );
  if (field.kind === "fact") return factsSql(sql, reading, sql`${factText(sql, field.path)} like ${pattern}`);
  if (field.kind === "name") return sql`(${textSql(sql, field)} like ${pattern})`;
  return sql`coalesce(${textSql(sql, field)} like ${pattern}, false)`;
}

/** In a group that `which` means, or in one below it: which groups those are does not depend on the target. */
function inGroupSql(sql: Query, reading: Reading, which: Fragment): Fragment {
  const roots = sql`array(select g.id from assets.groups g where ${which})`;
  return isMemberSql(sql, reading, sql`assets.group_subtree(${roots})`);
}

/** `groups`: a function that gives their ids. An array is read once, and `offset 0` keeps the question with its target. */
export function isMemberSql(sql: Query, reading: Reading, groups: Fragment): Fragment {
  const within = sql`m.group_id = any(array(select ${groups}))`;
  if (reading === "each")
    return sql`exists (select from assets.group_members m where m.target_id = t.id and ${within} offset 0)`;
  return sql`(t.id in (select m.target_id from assets.group_members m where ${within}))`;
}

/** Offers a service that `which` means, and that is not switched off. */
function offersSql(sql: Query, reading: Reading, which: Fragment): Fragment {
  if (reading === "all") return sql`(t.id in (select v.target_id from assets.services v where v.enabled and ${which}))`;
  return sql`exists (select from assets.services v where v.target_id = t.id and v.enabled and ${which}
    ${reading === "each" ? sql`offset 0` : sql``})`;
}

function agentSql(sql: Query, reading: Reading, states: readonly AgentState[]): Fragment {
  if (reading === "all") return agentIsIn(sql, states);
  return sql`exists (select from fleet.agents a ${withSession(sql)}
    where a.id = t.managed_by_agent_id and ${stateOfAgent(sql)} = any(${states as AgentState[]}::text[])
    ${reading === "each" ? sql`offset 0` : sql``})`;
}

/** Null where the target has no such value. "C" lowers A to Z only, as the evaluation in memory does. */
export function textSql(sql: Query, field: OneValued): Fragment {
  if (field.kind === "label") return sql`(t.labels ->> ${field.key})`;
  if (field.kind === "name") return sql`lower(t.name)`;
  if (field.kind === "os") return sql`lower(t.os collate "C")`;
  return sql`(select ${factText(sql, field.path)} from assets.target_facts f where f.target_id = t.id)`;
}

/** Of the facts `f`. Lists, mappings and null have no text. */
const factText = (sql: Query, path: readonly string[]): Fragment =>
  sql`(case when jsonb_typeof(f.facts #> ${path as string[]}::text[]) in ('string', 'number', 'boolean')
    then f.facts #>> ${path as string[]}::text[] end)`;
