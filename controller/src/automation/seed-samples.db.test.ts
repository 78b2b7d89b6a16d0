import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { deleteJob } from "./delete-job.ts";
import { listJobs } from "./list-jobs.ts";
import { createJob, saveJob } from "./save-job.ts";
import { sampleJobs, seedSamples } from "./seed-samples.ts";

const actor = testActor();
const samples = ["disk-check", "host-report", "how-a-failure-looks", "updates-waiting"];
let t: TestContext;
beforeAll(async () => {
  t = await testContext();
});
afterAll(() => t.close());

const names = async () => (await listJobs(t.ctx, actor, { limit: 50 })).items.map((job) => job.name).sort();
const definition = (name: string) => ({
  bytes: Buffer.from(`apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nsteps: [{ run: "true" }]\n`),
  mediaType: "text/yaml" as const,
});

test("nothing is seeded unless it is asked for", async () => {
  await sampleJobs.start({ ...t.ctx, config: { ...t.ctx.config, samples: false } });
  expect(await names()).toEqual([]);
});

test("two controllers that start at once make every sample exactly once, beside a job that has the name already", async () => {
  await createJob(t.ctx, actor, { definition: definition("host-report"), message: "mine" });
  const made = await Promise.all([seedSamples(t.ctx), seedSamples(t.ctx)]);
  expect(made.flat().sort()).toEqual(samples.filter((name) => name !== "host-report"));
  expect(await names()).toEqual(samples);
});

test("a sample that was changed, renamed or deleted stays so", async () => {
  const save = { revision: undefined, message: "" };
  await saveJob(t.ctx, actor, { idOrName: "disk-check", definition: definition("disk-watch"), ...save });
  await saveJob(t.ctx, actor, { idOrName: "updates-waiting", definition: definition("updates-waiting"), ...save });
  await deleteJob(t.ctx, actor, { idOrName: "how-a-failure-looks", revision: undefined });
  expect(await seedSamples(t.ctx)).toEqual([]);
  expect(await names()).toEqual(["disk-watch", "host-report", "updates-waiting"]);
});
