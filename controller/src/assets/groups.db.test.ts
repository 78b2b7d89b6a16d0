import { targetInput } from "@opsconductor/contract/api/targets";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { changeGroupTargets, setTargetGroups } from "./assign-groups.ts";
import { createTarget } from "./create-target.ts";
import { deleteTarget } from "./delete-target.ts";
import { getGroup, listGroups } from "./get-group.ts";
import { listTargets } from "./list-targets.ts";
import { createGroup, deleteGroup, updateGroup } from "./save-group.ts";

const actor = testActor("targets:read", "targets:write");
let t: TestContext;
beforeAll(async () => {
  t = await testContext();
});
afterEach(async () => {
  await t.db.owner`truncate assets.targets, assets.groups, communication.audit cascade`;
});
afterAll(() => t.close());

const addGroup = (name: string, parent: string | null = null) =>
  createGroup(t.ctx, actor, { name, description: "", parent });
const addTarget = (name: string) => createTarget(t.ctx, actor, targetInput.parse({ name }));
const move = (idOrName: string, parent: string | null) =>
  updateGroup(t.ctx, actor, { idOrName, revision: undefined, patch: { parent } });
const put = (target: string, ...groups: string[]) => setTargetGroups(t.ctx, actor, { idOrName: target, groups });
const chosen = async (select: string) =>
  (await listTargets(t.ctx, actor, { limit: 50, select })).items.map((item) => item.name);

test("a group counts its own targets, and with those below it each once", async () => {
  const world = await addGroup("World");
  await addGroup("europe", "world");
  await addTarget("a");
  await addTarget("b");
  await put("a", "europe", "world");
  await put("b", "europe");
  expect(await getGroup(t.ctx, actor, "WORLD")).toMatchObject({ id: world.id, targetCount: 1, totalCount: 2 });
  await deleteTarget(t.ctx, actor, { idOrName: "b", revision: undefined });
  expect(await getGroup(t.ctx, actor, "europe")).toMatchObject({ parentId: world.id, targetCount: 1, totalCount: 1 });
});

test("a selector finds the targets of a group with those of the groups below it, also after a move", async () => {
  for (const [name, parent] of [["world"], ["europe", "world"], ["berlin", "europe"], ["asia", "world"]] as const)
    await addGroup(name, parent);
  for (const [name, group] of [
    ["b1", "berlin"],
    ["e1", "europe"],
    ["a1", "asia"],
  ] as const) {
    await addTarget(name);
    await put(name, group);
  }
  await addTarget("alone");
  expect(await chosen("group=europe")).toEqual(["b1", "e1"]);
  expect(await chosen("group=world and not group=asia")).toEqual(["b1", "e1"]);
  expect(await chosen("not group")).toEqual(["alone"]);
  await move("berlin", "asia");
  expect(await chosen("group=europe")).toEqual(["e1"]);
  expect(await chosen("group=asia")).toEqual(["a1", "b1"]);
});

test("a group cannot be moved below itself", async () => {
  await addGroup("a");
  await addGroup("b", "a");
  await addGroup("c", "b");
  for (const parent of ["a", "b", "c"])
    await expect(move("a", parent)).rejects.toMatchObject({ code: "unprocessable", errors: [{ path: "parent" }] });
});

test("moves at the same moment never close a circle", async () => {
  const names = ["a", "b", "c", "d", "e"];
  for (let round = 0; round < 12; round++) {
    await t.db.owner`truncate assets.groups cascade`;
    for (const name of names) await addGroup(name);
    const moves = names.map((name, i) => move(name, names[(i + 1) % names.length]!));
    const outcomes = await Promise.allSettled(moves);
    expect(outcomes.filter((o) => o.status === "rejected")).toHaveLength(1);
    const rows = await t.ctx.sql<{ n: bigint }[]>`
      select count(*) as n from assets.groups g where g.id in (
        select s from assets.groups c, assets.group_subtree(array[c.id]) s where c.parent_id = g.id)`;
    expect(rows[0]!.n).toBe(0n);
  }
});

test("a group with groups below it stays, and its targets survive its end", async () => {
  await addGroup("a");
  await addGroup("b", "a");
  await addTarget("t");
  await put("t", "b");
  const remove = (idOrName: string) => deleteGroup(t.ctx, actor, { idOrName, revision: undefined });
  await expect(remove("a")).rejects.toMatchObject({ code: "failed_precondition" });
  await remove("b");
  await remove("a");
  expect((await listTargets(t.ctx, actor, { limit: 5 })).items).toMatchObject([{ name: "t", groups: [] }]);
});

test("names are taken once in any case, and unknown ones are named in the refusal", async () => {
  await addGroup("web");
  await expect(addGroup("WEB")).rejects.toMatchObject({ code: "conflict" });
  await expect(addGroup("x", "nowhere")).rejects.toMatchObject({ code: "unprocessable" });
  await addTarget("t");
  await expect(put("t", "web", "nowhere")).rejects.toMatchObject({ message: expect.stringContaining("nowhere") });
  const change = { idOrName: "web", add: ["t", "u"], remove: [] };
  await expect(changeGroupTargets(t.ctx, actor, change)).rejects.toMatchObject({
    message: "add: there is no target u",
  });
});

test("targets are put into a group and taken out together, and the audit log says which", async () => {
  await addGroup("web");
  for (const name of ["a", "b", "c"]) await addTarget(name);
  await changeGroupTargets(t.ctx, actor, { idOrName: "web", add: ["a", "B"], remove: [] });
  const after = await changeGroupTargets(t.ctx, actor, { idOrName: "web", add: ["b", "c"], remove: ["a"] });
  expect(after.targetCount).toBe(2);
  await put("c");
  const rows = await t.db.owner`select action, detail, before, after from communication.audit
    where action like '%group%' order by id`;
  expect(rows.map((row) => ({ ...row }))).toMatchObject([
    { action: "group.created", after: { name: "web", parentId: null } },
    { action: "group.targets_changed", detail: { added: ["a", "b"], removed: [] } },
    { action: "group.targets_changed", detail: { added: ["c"], removed: ["a"] } },
    { action: "target.groups_changed", before: { groups: ["web"] }, after: { groups: [] } },
  ]);
});

test("pages go through the groups once, in the order of names", async () => {
  for (const name of ["b", "A", "c"]) await addGroup(name);
  const first = await listGroups(t.ctx, actor, { limit: 2 });
  const second = await listGroups(t.ctx, actor, { limit: 2, cursor: first.nextCursor });
  expect([...first.items, ...second.items].map((group) => group.name)).toEqual(["A", "b", "c"]);
  expect(second.nextCursor).toBeUndefined();
});
