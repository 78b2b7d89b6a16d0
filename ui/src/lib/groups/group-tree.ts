// The groups as a tree in the order that a page shows them: each below its parent, siblings by name.

import type { Group } from "../api/types.ts";
import { nameOrder } from "../format/habits.svelte.ts";

export interface TreeRow {
  group: Group;
  /** 0 at the top. */
  depth: number;
  hasBelow: boolean;
}

/** A group whose parent the reader cannot see stands at the top. */
export function treeRows(groups: readonly Group[], closed: ReadonlySet<string> = new Set()): TreeRow[] {
  const known = new Set(groups.map((group) => group.id));
  const below = Map.groupBy(groups, ({ parentId }) => (parentId !== null && known.has(parentId) ? parentId : ""));
  const rows: TreeRow[] = [];
  const add = (parentId: string, depth: number) => {
    for (const group of (below.get(parentId) ?? []).toSorted((a, b) => nameOrder().compare(a.name, b.name))) {
      rows.push({ group, depth, hasBelow: below.has(group.id) });
      if (!closed.has(group.id)) add(group.id, depth + 1);
    }
  };
  add("", 0);
  return rows;
}

/** The group itself and all below it: where it cannot be moved. */
export function withBelow(groups: readonly Group[], id: string): Set<string> {
  const found = new Set([id]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { id: each, parentId } of groups) if (parentId !== null && found.has(parentId)) found.add(each);
  }
  return found;
}

/** Choices for a select, indented as the tree. */
export const treeOptions = (groups: readonly Group[]): { value: string; label: string }[] =>
  treeRows(groups).map(({ group, depth }) => ({ value: group.id, label: `${"\u2003".repeat(depth)}${group.name}` }));
