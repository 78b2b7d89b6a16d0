// Passwords that an older installation hashed with bcrypt: they sign in, and become argon2id on the way.
import { hash } from "@node-rs/bcrypt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
beforeAll(async () => {
  t = await testContext();
  http = testHttp(t.ctx);
});
afterAll(() => t.close());

const login = (username: string, password: string) => http.call("POST", "/api/v1/auth/login", { username, password });

async function imported(password: string, cost = 4): Promise<{ username: string; userId: string }> {
  const { username, userId } = await signedIn(t.ctx, http);
  const passwordHash = (await hash(password, cost)).replace(/^\$2y/, "$2b"); // the same computation under its other name
  await t.ctx.sql`update identity.users set password_hash = ${passwordHash} where id = ${userId}`;
  return { username, userId };
}
const stored = async (id: string) =>
  (await t.ctx.sql`select password_hash from identity.users where id = ${id}`)[0]!.passwordHash as string;

test("a bcrypt hash signs in once and is argon2id from then on, for the same password", async () => {
  const { username, userId } = await imported("an old long sentence");
  expect((await login(username, "another sentence")).status).toBe(401);
  expect(await stored(userId)).toMatch(/^\$2b\$/);
  const answer = await login(username, "an old long sentence");
  expect([answer.status, answer.body.user.mustChangePassword]).toEqual([200, false]);
  expect(await stored(userId)).toMatch(/^\$argon2id\$/);
  expect((await login(username, "an old long sentence")).status).toBe(200);
  const rows = await t.ctx.sql`select action from communication.audit where object_id = ${userId}`;
  expect(rows.map(({ action }) => action)).toContain("user.password_hash_upgraded");
});

test("an old password that today's policy refuses still signs in, and must be changed first", async () => {
  const { username, userId } = await imported("short");
  const answer = await login(username, "short");
  expect([answer.status, answer.body.user.mustChangePassword]).toEqual([200, true]);
  expect(await stored(userId)).toMatch(/^\$argon2id\$/);
});

test("while there are such hashes, the time of a refusal does not tell whose they are", async () => {
  const { username: old } = await imported("an old long sentence", 10);
  const { username: current } = await signedIn(t.ctx, http);
  const time = async (name: string) => {
    const started = performance.now();
    expect((await login(name, "not the password")).status).toBe(401);
    return performance.now() - started;
  };
  await time("warm-up");
  const times: Record<string, number[]> = { old: [], current: [], unknown: [] };
  for (let i = 0; i < 7; i++) {
    times.old!.push(await time(old));
    times.current!.push(await time(current));
    times.unknown!.push(await time(`unknown-${i}`));
  }
  // The quickest of each: whatever else the machine does only adds. Unequal, bcrypt's account takes four times as long.
  const quickest = Object.values(times).map((values) => Math.min(...values));
  expect(Math.max(...quickest) / Math.min(...quickest)).toBeLessThan(2);
});
