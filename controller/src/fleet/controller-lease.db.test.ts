import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { controllerLease } from "./controller-lease.ts";

let t: TestContext;
beforeEach(async () => {
  t = await testContext();
  await t.ctx.sql`delete from fleet.controllers`;
});
afterEach(() => t.close());

const rows = () => t.ctx.sql`select id, lease_until > now() as live, version, hostname from fleet.controllers`;

test("a controller has a live row while it runs and none after a clean stop", async () => {
  const running = await controllerLease.start(t.ctx);
  expect(await rows()).toMatchObject([{ id: t.ctx.controllerId, live: true, version: expect.stringMatching(/^\d/) }]);
  await running.stop();
  expect(await rows()).toEqual([]);
});

test("a controller whose clock is a day wrong is no less alive", async () => {
  for (const hours of [-24, 24]) {
    t.setNow(new Date(Date.now() + hours * 3_600_000));
    const running = await controllerLease.start(t.ctx);
    const [{ seconds }] = await t.ctx.sql<[{ seconds: number }]>`
      select extract(epoch from lease_until - now())::float8 as seconds from fleet.controllers`;
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThanOrEqual(15);
    await running.stop();
  }
});

test("the lease is renewed long before it is over", async () => {
  const running = await controllerLease.start({ ...t.ctx, config: { ...t.ctx.config, leaseSeconds: 3 } });
  const until = async () =>
    (await t.ctx.sql<{ leaseUntil: Date }[]>`select lease_until from fleet.controllers`)[0]!.leaseUntil;
  const first = await until();
  await expect.poll(until, { timeout: 2_500 }).not.toEqual(first);
  await running.stop();
});

test("rows that killed controllers left a day ago are removed, younger ones stay as expired", async () => {
  const [old, young] = [t.ctx.newId(), t.ctx.newId()];
  for (const [id, age] of [
    [old, "25 hours"],
    [young, "1 hour"],
  ] as const)
    await t.ctx.sql`insert into fleet.controllers (id, started_at, lease_until, version, hostname)
      values (${id}, now(), now() - ${age}::interval, '0', 'gone')`;
  const running = await controllerLease.start(t.ctx);
  const left = await rows();
  expect(left.map((r) => r.id).sort()).toEqual([young, t.ctx.controllerId].sort());
  expect(left.find((r) => r.id === young)!.live).toBe(false);
  await running.stop();
});
