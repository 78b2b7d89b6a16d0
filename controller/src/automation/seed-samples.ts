// A service of main.ts that only starts: with OC_SAMPLES=1 it saves the sample jobs of `samples/` once, so that a first
// visit finds something to run. A sample that somebody changed, renamed into another's place or deleted stays so.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OcError } from "@opsconductor/contract/errors";
import { type Context, systemActor } from "../context.ts";
import type { Service } from "../service.ts";
import { selectSeededNames } from "./job-queries.ts";
import { createJob } from "./save-job.ts";

const samplesFolder = join(import.meta.dirname, "../../../samples");

/** Answers the names of the jobs that were made. A file is called as its job. */
export async function seedSamples(ctx: Context, folder: string = samplesFolder): Promise<string[]> {
  const names = (await readdir(folder)).filter((file) => file.endsWith(".yaml")).map((file) => file.slice(0, -5));
  const known = new Set(await selectSeededNames(ctx.sql, names));
  const made: string[] = [];
  for (const name of names.sort()) {
    if (known.has(name)) continue;
    const bytes = await readFile(join(folder, `${name}.yaml`));
    if (await saveSample(ctx, bytes)) made.push(name);
  }
  if (made.length > 0) ctx.log.info({ jobs: made }, "samples.created");
  return made;
}

/** False when another controller that starts now was faster, or a person uses the name. */
async function saveSample(ctx: Context, bytes: Uint8Array): Promise<boolean> {
  try {
    await createJob(ctx, systemActor, { definition: { bytes, mediaType: "text/yaml" }, message: "Sample" });
    return true;
  } catch (error) {
    if (error instanceof OcError && error.code === "conflict") return false;
    throw error;
  }
}

export const sampleJobs: Service = {
  name: "sample jobs",
  async start(ctx) {
    if (ctx.config.samples) await seedSamples(ctx);
    return { stop() {} };
  },
};
