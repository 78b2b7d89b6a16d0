import { type Target, targetInput } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Query } from "../context.ts";
import { testActor, testContext } from "../testing/test-context.ts";
import { createTarget } from "./create-target.ts";
import { deleteTarget } from "./delete-target.ts";
import { getTarget } from "./get-target.ts";
import { listTargets } from "./list-targets.ts";
import { previewTargets, resolveTargets } from "./resolve-targets.ts";
import { updateTarget } from "./update-target.ts";

const actor = testActor("targets:read", "targets:write", "agents:read");
let t: Awaited<ReturnType<typeof testContext>>;
beforeAll(async () => {
  t = await testContext();
});
afterEach(async () => {
  await t.db.owner`truncate assets.targets, communication.audit, fleet.agent_sessions, fleet.agents cascade`;
});
afterAll(() => t.close());

const add = (input: Partial<Target> & { name: string }) => createTarget(t.ctx, actor, targetInput.parse(input));

/** An agent's row: revoked, never connected, offline or online. */
async function addAgent(
  name: string,
  state: "revoked" | "never_connected" | "offline" | "online",
  ownTargetId?: string,
) {
  const id = t.ctx.newId();
  const status = state === "revoked" ? "revoked" : "active";
  await t.ctx.sql`insert into fleet.agents (id, name, status, identity_key, sealing_key, own_target_id, journal_id)
    values (${id}, ${name}, ${status}, ${Buffer.from(id)}, 'x', ${ownTargetId ?? null},
      ${state === "never_connected" ? null : "journal"})`;
  const controllerId = state === "online" ? t.ctx.controllerId : null;
  if (state === "online" || state === "offline") {
    await t.ctx
      .sql`insert into fleet.agent_sessions (agent_id, epoch, controller_id) values (${id}, 1, ${controllerId})`;
  }
  return id;
}

async function refusal(promise: Promise<unknown>): Promise<OcError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OcError);
  return error as OcError;
}

const services = [
  { type: "ssh", port: 22, secure: true, default: true, enabled: true, credential: { kind: "key", secret: "web-key" } },
  { type: "http", port: 80, secure: false, default: false, enabled: true },
];

test("a target is read back as it was written, by id and by name in any case", async () => {
  const created = await add({ name: "Web-01", labels: { env: "prod" }, attributes: { Rack: { row: 4 } }, services });
  expect(created).toMatchObject({ name: "Web-01", labels: { env: "prod" }, revision: 1, agentState: null });
  expect(created.services).toEqual(services);
  expect(await getTarget(t.ctx, actor, created.id)).toEqual(created);
  expect(await getTarget(t.ctx, actor, "WEB-01")).toEqual(created);
});

test("a name is taken once, whatever its case, and free again after a delete", async () => {
  await add({ name: "web" });
  expect(await refusal(add({ name: "WEB" }))).toMatchObject({
    code: "conflict",
    message: expect.stringContaining("WEB"),
  });
  await deleteTarget(t.ctx, actor, { idOrName: "web", revision: undefined });
  await add({ name: "WEB" });
});

test("an unknown target is not found, with the name that was probably meant", async () => {
  await add({ name: "web-01" });
  for (const [name, hint] of [
    ["web-02", "did you mean web-01?"],
    ["\0", "There is no target"],
    ["0".repeat(36), "There is no"],
  ]) {
    expect(await refusal(getTarget(t.ctx, actor, name!))).toMatchObject({
      code: "not_found",
      message: expect.stringContaining(hint!),
    });
  }
});

test.each([
  [{ services: [services[0], { ...services[1], default: true }] }, "services.1.default"],
  [{ services: [services[1], services[1]] }, "services.1"],
  [{ managedByAgentId: "01999999-0000-7000-8000-000000000001" }, "managedByAgentId"],
  [{ attributes: { a: ["x\0"] } }, "attributes.a.0"],
  [{ attributes: { a: "\ud800" } }, "attributes.a"],
])("%j is refused with its place", async (input, path) => {
  const error = await refusal(add({ name: "x", ...(input as Partial<Target>) }));
  expect(error).toMatchObject({ code: "invalid_argument", errors: [{ path }] });
});

test("a revoked agent can manage nothing", async () => {
  const agentId = await addAgent("old", "revoked");
  expect(await refusal(add({ name: "x", managedByAgentId: agentId }))).toMatchObject({ code: "invalid_argument" });
});

test("pages go through the inventory once, in the order of names", async () => {
  for (const name of ["b", "A", "d", "C", "e"]) await add({ name });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listTargets(t.ctx, actor, { limit: 2, cursor });
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map((item) => item.name));
    cursor = page.nextCursor;
  } while (cursor);
  expect(seen).toEqual(["A", "b", "C", "d", "e"]);
});

test("a list is narrowed by a part of the name and by a selector", async () => {
  await add({ name: "web-01", labels: { env: "prod" } });
  await add({ name: "web-02", labels: { env: "test" } });
  await add({ name: "db-01", labels: { env: "prod" } });
  const names = async (q?: string, select?: string) =>
    (await listTargets(t.ctx, actor, { limit: 50, q, select })).items.map((item) => item.name);
  expect(await names("WEB")).toEqual(["web-01", "web-02"]);
  expect(await names("%")).toEqual([]);
  expect(await names(undefined, "env=prod")).toEqual(["db-01", "web-01"]);
  expect(await names("web", "not env=prod")).toEqual(["web-02"]);
});

test("a cursor that is not ours and a selector that cannot be read are refused", async () => {
  const list = (more: object) => refusal(listTargets(t.ctx, actor, { limit: 5, ...more }));
  for (const cursor of [
    "x",
    "",
    Buffer.from('["\\u0000"]').toString("base64url"),
    Buffer.from("[1]").toString("base64url"),
  ]) {
    expect(await list({ cursor })).toMatchObject({ code: "invalid_argument" });
  }
  expect(await list({ select: "env==prod" })).toMatchObject({ errors: [{ path: "select", column: 4 }] });
});

test("a change touches what it names, raises the revision and loses against a faster one", async () => {
  const before = await add({ name: "web", labels: { a: "1" }, description: "old", services });
  const change = (patch: object, revision?: bigint) => updateTarget(t.ctx, actor, { idOrName: "web", patch, revision });
  const after = await change({ labels: { b: "2" }, hostname: "web.example.test" }, 1n);
  expect(after).toEqual({
    ...before,
    labels: { b: "2" },
    hostname: "web.example.test",
    revision: 2,
    updatedAt: after.updatedAt,
  });
  expect(await refusal(change({ description: "late" }, 1n))).toMatchObject({ code: "version_mismatch" });
  expect(await change({ hostname: null, services: [] })).toMatchObject({
    hostname: null,
    services: [],
    revision: 3,
    description: "old",
  });
  await add({ name: "taken" });
  expect(await refusal(change({ name: "Taken" }))).toMatchObject({ code: "conflict" });
});

test("of two changes against the same revision exactly one wins", async () => {
  await add({ name: "web" });
  const change = (description: string) =>
    updateTarget(t.ctx, actor, { idOrName: "web", patch: { description }, revision: 1n });
  const results = await Promise.allSettled(["a", "b", "c", "d"].map(change));
  expect(results.filter((r) => r.status === "fulfilled")).toHaveLength(1);
  expect((await getTarget(t.ctx, actor, "web")).revision).toBe(2);
});

test("the state of a target's agent is what the fleet shows", async () => {
  for (const state of ["online", "offline", "never_connected"] as const) {
    await add({ name: state.replace("_", "-"), managedByAgentId: await addAgent(state, state) });
  }
  await add({ name: "alone" });
  const { items } = await listTargets(t.ctx, actor, { limit: 10 });
  expect(items.map((item) => [item.agentName, item.agentState])).toEqual([
    [null, null],
    ["never_connected", "never_connected"],
    ["offline", "offline"],
    ["online", "online"],
  ]);
  await t.ctx
    .sql`update fleet.controllers set lease_until = now() - interval '1 second' where id = ${t.ctx.controllerId}`;
  expect((await getTarget(t.ctx, actor, "online")).agentState).toBe("offline");
  await t.ctx.sql`update fleet.controllers set lease_until = now() + interval '1 day' where id = ${t.ctx.controllerId}`;
});

test("choosing inside a transaction leaves how the rest of it is planned as it was", async () => {
  const settings = (
    tx: Query,
  ) => tx`select current_setting('enable_nestloop') as loops, current_setting('work_mem') as memory,
    current_setting('plan_cache_mode') as plans`;
  await add({ name: "a", labels: { role: "web" } });
  await t.ctx.sql.begin(async (tx) => {
    const before = await settings(tx);
    const chosen = await Promise.all([1, 2].map(() => resolveTargets(t.ctx, actor, { select: "role=web" }, tx)));
    expect(chosen.map((rows) => rows.length)).toEqual([1, 1]);
    expect(await settings(tx)).toEqual(before);
  });
});

test("a selector and names resolve to the exact targets with their agents", async () => {
  const agentId = await addAgent("agent", "online");
  await add({ name: "web-01", labels: { role: "web" }, managedByAgentId: agentId });
  await add({ name: "Web-02", labels: { role: "web" } });
  await add({ name: "db", labels: { role: "db" } });
  const bySelector = await resolveTargets(t.ctx, actor, { select: "role=web" });
  expect(bySelector.map(({ name, agentId: id, agentState }) => [name, id, agentState])).toEqual([
    ["web-01", agentId, "online"],
    ["Web-02", null, null],
  ]);
  expect((await resolveTargets(t.ctx, actor, { names: ["WEB-02", "db", "Db"] })).map((r) => r.name)).toEqual([
    "db",
    "Web-02",
  ]);
  expect(await resolveTargets(t.ctx, actor, { select: "role=none" })).toEqual([]);
  const error = await refusal(resolveTargets(t.ctx, actor, { names: ["db", "web-03", "\0"] }));
  expect(error).toMatchObject({
    code: "unprocessable",
    message: "There is no target web-03 (and 1 more that do not exist); did you mean web-01?",
  });
});

test("a preview counts everything and lists the first", async () => {
  await add({ name: "a", managedByAgentId: await addAgent("on", "online") });
  await add({ name: "b", managedByAgentId: await addAgent("off", "offline") });
  await add({ name: "c" });
  const preview = await previewTargets(t.ctx, actor, { select: "name~*", limit: 2 });
  expect(preview).toMatchObject({ count: 3, withoutAgent: 1, offline: 1, items: [{ name: "a" }, { name: "b" }] });
  expect(await previewTargets(t.ctx, actor, { names: "c, A", limit: 9 })).toMatchObject({ count: 2 });
  expect(await refusal(previewTargets(t.ctx, actor, { limit: 9 }))).toMatchObject({ code: "invalid_argument" });
  expect(await refusal(previewTargets(t.ctx, actor, { names: "a,x", limit: 9 }))).toMatchObject({
    code: "unprocessable",
  });
});

test("a target with unfinished work stays, and goes when the work is done", async () => {
  const { id } = await add({ name: "web" });
  const [executionId, assignmentId] = [t.ctx.newId(), t.ctx.newId()];
  await t.ctx
    .sql`insert into automation.executions (id, number, job_id, job_name, job_version, definition_sha256, state,
      trigger_kind, target_count, created_at)
    values (${executionId}, 12, ${t.ctx.newId()}, 'j', 1, 'x', 'running', 'manual', 1, now())`;
  await t.ctx
    .sql`insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, state, created_at)
    values (${assignmentId}, ${executionId}, 'main', ${id}, 'web', 'running', now())`;
  const remove = () => deleteTarget(t.ctx, actor, { idOrName: "web", revision: undefined });
  expect(await refusal(remove())).toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("#12"),
  });
  await t.ctx.sql`update automation.assignments set finished_at = now() where id = ${assignmentId}`;
  await remove();
  expect(await refusal(getTarget(t.ctx, actor, "web"))).toMatchObject({ code: "not_found" });
  expect(await refusal(remove())).toMatchObject({ code: "not_found" });
});

test("the host of a living agent stays, and a delete against an old revision does too", async () => {
  const { id } = await add({ name: "web" });
  const agentId = await addAgent("web", "online", id);
  const remove = (revision?: bigint) => deleteTarget(t.ctx, actor, { idOrName: "web", revision });
  expect(await refusal(remove())).toMatchObject({ code: "failed_precondition" });
  await t.ctx.sql`update fleet.agents set status = 'revoked' where id = ${agentId}`;
  expect(await refusal(remove(7n))).toMatchObject({ code: "version_mismatch" });
  await remove(1n);
});

test("every change leaves one audit row in its transaction and one hint for open pages", async () => {
  const ids: string[][] = [];
  const subscription = t.ctx.live.subscribe(["targets"], undefined, (_, event) => {
    if (event.kind === "changed") ids.push(event.ids);
  });
  const { id } = await add({ name: "web", labels: { a: "1" } });
  await updateTarget(t.ctx, actor, { idOrName: id, patch: { labels: {} }, revision: 1n });
  await refusal(updateTarget(t.ctx, actor, { idOrName: id, patch: { labels: {} }, revision: 1n }));
  await deleteTarget(t.ctx, actor, { idOrName: id, revision: 2n });
  subscription.close();
  expect(ids).toEqual([[id], [id], [id]]);
  const rows = await t.db.owner`select action, object_id, actor_name, before -> 'labels' as was, after -> 'labels' as is
    from communication.audit order by id`;
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { action: "target.created", objectId: id, actorName: "tester", was: null, is: { a: "1" } },
    { action: "target.updated", objectId: id, actorName: "tester", was: { a: "1" }, is: {} },
    { action: "target.deleted", objectId: id, actorName: "tester", was: {}, is: null },
  ]);
});
