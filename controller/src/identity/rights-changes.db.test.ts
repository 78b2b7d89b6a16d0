// What ends or changes somebody's rights is told to every controller when it commits, whoever changed it.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";
import { ensureBuiltInRoles } from "./built-in-roles.ts";
import { createIdentity } from "./identity.ts";
import { rightsChanges } from "./rights-changes.ts";

type Person = Awaited<ReturnType<typeof signedIn>>;

let t: TestContext;
let http: TestHttp;
let admin: Person;
let told: string[] = [];
const patient = { timeout: 30_000 };

/** Another controller, which hears, and whose watchers of two people say so. */
beforeAll(async () => {
  t = await testContext();
  await ensureBuiltInRoles(t.ctx);
  http = testHttp(t.ctx);
  admin = await signedIn(t.ctx, http);
  other = { ...t.ctx, identity: createIdentity(t.ctx.identity.signingKey) };
  rightsChanges.start(other);
  await vi.waitFor(async () => expect(await listeners()).toHaveLength(1), patient);
});
afterAll(() => t.close());

let other: TestContext["ctx"];
const listeners = () =>
  t.db.owner`select pid from pg_stat_activity where datname = current_database() and query like 'listen %'`;
const as = (who: Person, method: string, path: string, body?: unknown) =>
  http.call(method, `/api/v1/${path}`, body, who.headers);

async function watched(name: string): Promise<Person> {
  const person = await signedIn(t.ctx, http, ["targets:read", "tokens:own"]);
  other.identity.changes.watch(person.userId, () => told.push(name));
  return person;
}

test("the watchers of somebody are told of their sessions, tokens, account, roles and rights, and nobody else's are", async () => {
  const ann = await watched("ann");
  await watched("bob");
  const token = (await as(ann, "POST", "auth/tokens", { name: "own", scopes: ["targets:read"] })).body;
  const [session] = (await as(admin, "GET", `users/${ann.userId}/sessions`)).body.items;
  const grant = { role: "viewer", scope: { kind: "everything" }, ownExecutions: true };
  const changes: [string, () => Promise<{ status: number; body: { id?: string } }>][] = [
    ["a right is given", () => as(admin, "POST", `users/${ann.userId}/grants`, grant)],
    ["a role is given", () => as(admin, "PATCH", `users/${ann.userId}`, { roles: ["viewer"] })],
    ["a token is revoked", () => as(admin, "DELETE", `tokens/${token.id}`)],
    ["a session is revoked", () => as(admin, "DELETE", `users/${ann.userId}/sessions/${session.id}`)],
    ["the account is disabled", () => as(admin, "PATCH", `users/${ann.userId}`, { active: false })],
  ];
  for (const [what, change] of changes) {
    told = [];
    expect([what, (await change()).status < 300]).toEqual([what, true]);
    await expect.poll(() => told, { ...patient, message: what }).toContain("ann");
    expect([what, told.filter((name) => name === "bob")]).toEqual([what, []]);
  }
});

test("everybody is told when what a role allows changes", async () => {
  await watched("eve");
  expect((await as(admin, "POST", "roles", { name: "some", permissions: ["jobs:read"] })).status).toBe(201);
  told = [];
  expect((await as(admin, "PATCH", "roles/some", { permissions: ["targets:read"] })).status).toBe(200);
  await expect.poll(() => told, patient).toEqual(expect.arrayContaining(["ann", "bob", "eve"]));
});

test("a change that is not kept is not told", async () => {
  const dan = await watched("dan");
  told = [];
  const undone = t.ctx.sql.begin(async (tx) => {
    await tx`update identity.users set active = false where id = ${dan.userId}`;
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await as(admin, "PATCH", "roles/some", { permissions: ["jobs:read"] }); // tells everybody, after whatever was told before
  await expect.poll(() => told, patient).toContain("dan");
  expect(told.filter((name) => name === "dan")).toHaveLength(1);
});

test("a controller that lost its connection hears again, and takes everybody for changed", async () => {
  await watched("fay");
  told = [];
  const [before] = await listeners();
  await t.db.owner`select pg_terminate_backend(${before!.pid})`;
  await expect.poll(() => told, patient).toContain("fay");
  expect((await listeners()).map(({ pid }) => pid)).not.toContain(before!.pid);
});
