// Many selectors of grants as few: those that ask for values of one and the same field become one, so that a row is
// looked at once however many grants there are. Called by visible-to.ts. Pure.
import type { Selector, SelectorField } from "@opsconductor/contract/job/selector";

/** Selectors that together choose what any of the given ones chooses. */
export function mergeSelectors(selectors: readonly Selector[]): Selector[] {
  const rest: Selector[] = [];
  const byField = new Map<string, { field: SelectorField; values: Set<string> }>();
  for (const selector of selectors) {
    if (selector.op !== "is") {
      rest.push(selector);
      continue;
    }
    const key = JSON.stringify(selector.field);
    const merged = byField.get(key) ?? { field: selector.field, values: new Set() };
    for (const value of selector.values) merged.values.add(value);
    byField.set(key, merged);
  }
  const merged = [...byField.values()].map(({ field, values }): Selector => ({ op: "is", field, values: [...values] }));
  return [...merged, ...rest];
}
