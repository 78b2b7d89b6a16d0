import { expect, test } from "vitest";
import type { Group } from "../api/types.ts";
import { treeOptions, treeRows, withBelow } from "./group-tree.ts";

const group = (id: string, parentId: string | null): Group => ({
  ...{ id, name: id, parentId, description: "", targetCount: 0, totalCount: 0, revision: 1, canWrite: true },
  ...{ createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" },
});
const groups = [group("berlin", "europe"), group("world", null), group("asia", "world"), group("europe", "world")];
const shown = (...closed: string[]) => treeRows(groups, new Set(closed)).map((row) => `${row.depth} ${row.group.id}`);

test("each group stands below its parent, siblings by name", () => {
  expect(shown()).toEqual(["0 world", "1 asia", "1 europe", "2 berlin"]);
  expect(shown("europe")).toEqual(["0 world", "1 asia", "1 europe"]);
  expect(treeRows(groups).map((row) => row.hasBelow)).toEqual([true, false, true, false]);
});

test("a group whose parent is out of sight stands at the top", () => {
  expect(treeRows([group("berlin", "europe")])).toMatchObject([{ depth: 0 }]);
});

test("a group cannot go below itself or what is below it", () => {
  expect([...withBelow(groups, "europe")].sort()).toEqual(["berlin", "europe"]);
  expect(treeOptions(groups).map((option) => option.label)).toEqual([
    "world",
    "\u2003asia",
    "\u2003europe",
    "\u2003\u2003berlin",
  ]);
});
