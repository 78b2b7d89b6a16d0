import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { getExecution } from "./get-execution.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
const agents: FakeAgent[] = [];
const count = 1000;
beforeAll(async () => {
  t = await testContext();
  const names = Array.from({ length: count }, (_, i) => `host-${String(i).padStart(4, "0")}`);
  for (let at = 0; at < count; at += 50)
    agents.push(...(await Promise.all(names.slice(at, at + 50).map((name) => FakeAgent.connected(t, name)))));
  await saveTestJob(
    t,
    "patch",
    "targets: { select: env=test }\nrollout: { canary: 1, batch: 20%, maxFailures: 3 }\nsteps: [{ run: apt }]",
  );
}, 120_000);
afterAll(() => t.close());

/** Answers every offer, until nothing more is offered and the execution is over. */
async function answerAll(id: string, fails: ReadonlySet<string>): Promise<number> {
  const answered = new Map<string, number>();
  let ran = 0;
  for (;;) {
    const open = agents.filter((agent) => agent.offers.length > (answered.get(agent.name) ?? 0));
    await Promise.all(
      open.map(async (agent) => {
        const offer = agent.offers[answered.get(agent.name) ?? 0]!;
        answered.set(agent.name, (answered.get(agent.name) ?? 0) + 1);
        ran++;
        await agent.run(offer, Buffer.from(""), "step-1", fails.has(agent.name) ? "failed" : "succeeded");
      }),
    );
    await t.ctx.automation.flows.idle();
    if ((await getExecution(t.ctx, tester, id)).finishedAt !== null) return ran;
  }
}

test("1,000 targets: a canary, batches of 20 %, and a stop in the batch that spends the failure budget", async () => {
  const fails = new Set(["host-0050", "host-0250", "host-0251", "host-0399"]);
  const { id } = await execute(t, "patch", [], { targets: undefined });
  const ran = await answerAll(id, fails);
  expect(ran).toBe(401); // the canary and two batches; the fourth failure is in the second
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({
    state: "failed",
    counts: { succeeded: 397, failed: 4, skipped: 599 },
    stages: [{ rollout: { batches: 6, batch: 3, stopped: true, maxFailures: 3 } }],
  });
}, 120_000);
