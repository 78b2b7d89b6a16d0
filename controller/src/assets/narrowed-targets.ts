// All targets that a selector chooses, as rows `t` to count or to sort. Called by target-queries.ts. Of `env=prod and
// fact.os.family=linux` the cheap half is asked first: when it leaves few of 100,000, the facts and services of those alone
// are looked up, which took 80 ms where reading the facts of all took 140.
import type { Selector, SelectorField } from "@opsconductor/contract/job/selector";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { type Reading, selectorSql } from "./selector-sql.ts";

/** Of more, reading each list once is faster. */
const fewTargets = 15_000;

/** `base`: what else they must be. */
export function narrowedTargets(
  sql: Query,
  selector: Selector,
  base: (reading: Reading) => Fragment,
  few = fewTargets,
): Fragment {
  const all = sql`select t.id, t.name, t.managed_by_agent_id from assets.targets t
    where ${base("all")} and ${selectorSql(sql, selector, "all")}`;
  const halves = halvesOf(selector);
  if (!halves) return sql`(${all}) t`;
  // How many they are is known only when it runs; what is not wanted then costs nothing.
  return sql`(
    with narrowed as materialized (
      select t.id, t.name, t.os, t.labels, t.managed_by_agent_id from assets.targets t
      where ${base("all")} and ${selectorSql(sql, halves.cheap, "all")} limit ${few + 1})
    select t.id, t.name, t.managed_by_agent_id from narrowed t
    where (select count(*) <= ${few} from narrowed) and ${selectorSql(sql, halves.costly, "each")}
    union all
    ${all} and (select count(*) > ${few} from narrowed)) t`;
}

interface Halves {
  cheap: Selector;
  costly: Selector;
}

/** Of the parts that all must hold, those that ask for facts or services, and the others; undefined unless there are both. */
export function halvesOf(selector: Selector): Halves | undefined {
  if (selector.op !== "and") return undefined;
  const [cheap, costly] = [false, true].map((wanted) => selector.items.filter((item) => isCostly(item) === wanted));
  if (cheap!.length === 0 || costly!.length === 0) return undefined;
  return { cheap: { op: "and", items: cheap! }, costly: { op: "and", items: costly! } };
}

const isCostlyField = ({ kind }: SelectorField): boolean => kind === "fact" || kind === "service";

function isCostly(selector: Selector): boolean {
  if ("items" in selector) return selector.items.some(isCostly);
  return "item" in selector ? isCostly(selector.item) : isCostlyField(selector.field);
}
