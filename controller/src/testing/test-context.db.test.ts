import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "./test-context.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext({ publicUrl: "https://ops.example.org" });
});
afterAll(() => t.close());

test("a test context has its cluster and controller rows and the configuration asked for", async () => {
  const [row] = await t.ctx.sql`select c.id, k.id as controller from fleet.cluster c, fleet.controllers k`;
  expect(row).toEqual({ id: t.ctx.clusterId, controller: t.ctx.controllerId });
  expect(t.ctx.config.publicUrl).toBe("https://ops.example.org");
});

test("its clock can be set", () => {
  t.setNow(new Date("2030-01-01T00:00:00Z"));
  expect(t.ctx.now().getUTCFullYear()).toBe(2030);
});
