import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { writeAudit } from "./audit.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
});
afterAll(() => t.close());

const found = (action: string) => t.ctx.sql`select * from communication.audit where action = ${action}`;

test("an audit row tells who, what, on what, from where and when", async () => {
  t.setNow(new Date("2026-05-01T10:00:00Z"));
  const actor = { ...testActor(), requestId: "req-12345678" };
  const object = { kind: "job", id: "17", name: "rotate" };
  await writeAudit(t.ctx, t.ctx.sql, actor, {
    action: "job.created",
    object,
    after: { Some_Key: 1 },
    detail: { n: 2 },
  });
  expect(await found("job.created")).toEqual([
    expect.objectContaining({
      at: new Date("2026-05-01T10:00:00Z"),
      actorKind: "user",
      actorId: actor.id,
      actorName: "tester",
      requestId: "req-12345678",
      address: "127.0.0.1",
      objectKind: "job",
      objectId: "17",
      objectName: "rotate",
      outcome: "ok",
      before: null,
      after: { Some_Key: 1 },
      detail: { n: 2 },
    }),
  ]);
});

test("a change that is rolled back leaves no audit row", async () => {
  const change = t.ctx.sql.begin(async (tx) => {
    await writeAudit(t.ctx, tx, testActor(), { action: "job.undone" });
    throw new Error("the change failed");
  });
  await expect(change).rejects.toThrow("the change failed");
  expect(await found("job.undone")).toEqual([]);
});
