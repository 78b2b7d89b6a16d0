// A bounded fuzz of every documented route; `npm run fuzz` runs the same for longer. See testing/fuzz-api.ts.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { execute, saveTestJob } from "../automation/testing/save-test-job.ts";
import { ensureBuiltInRoles } from "../identity/built-in-roles.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { fuzzApi } from "./testing/fuzz-api.ts";

const requests = Number(process.env.FUZZ_REQUESTS ?? 1_500);
const seed = Number(process.env.FUZZ_SEED ?? 4);
const consoleDir = mkdtempSync(join(tmpdir(), "console-"));
writeFileSync(join(consoleDir, "index.html"), "<!doctype html><title>console</title>");

let t: TestContext;
const kept = ["web-1", "deploy"];
beforeAll(async () => {
  t = await testContext({ consoleDir, rateLimit: 0 });
  await ensureBuiltInRoles(t.ctx);
  for (const [name, state] of [
    ["web-1", "succeeded"],
    ["web-2", "failed"],
  ] as const) {
    const agent = await FakeAgent.connected(t, name);
    kept.push(agent.id, agent.targetId);
    await saveTestJob(t, `deploy-${name}`);
    await execute(t, `deploy-${name}`, [name]);
    await agent.run(agent.offers[0]!, Buffer.from("first\nsecond\n"), "step-1", state);
  }
  await saveTestJob(t, "deploy");
  for (const { id } of await t.ctx.sql<{ id: string }[]>`select id from automation.jobs`) kept.push(id);
  await execute(t, "deploy", ["web-1"]);
});
afterAll(async () => {
  rmSync(consoleDir, { recursive: true });
  await t.close();
});

test(
  `${requests} generated requests to all documented routes are answered as the document says`,
  async () => {
    const report = await fuzzApi(t, { requests, seed, rounds: requests > 5_000 ? 10 : 3, kept });
    const { failures, ...figures } = report;
    if (process.env.FUZZ_REQUESTS) process.stdout.write(`${JSON.stringify({ seed, ...figures }, undefined, 2)}\n`);
    expect(failures.join("\n\n")).toBe("");
    expect(report.requests).toBeGreaterThanOrEqual(requests);
  },
  60_000 + requests * 100,
);
