// npm run bench -- output: one step that prints 100 MB, and 100 steps of one job that print 1 MB each, until everything is
// stored; beside `copy` of the same bytes into the same kind of database.
import { Api } from "../../e2e/devstack/api.ts";
import { type Devstack, startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute, onlineTarget, stepsOf } from "../../e2e/devstack/story.ts";
import { type Figure, median, print } from "./figures.ts";
import { copyMs } from "./floors.ts";
import { memoryOf } from "./memory-of.ts";

const megabytes = 100;
const bytesOfLine = 100;
const lines = (megabytes * 1_000_000) / bytesOfLine;
const rounds = 5;
const password = "bench-password-1";

export async function benchOutput(): Promise<void> {
  const stack = await startDevstack({ localAgent: true, adminPassword: password });
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    await onlineTarget(api);
    await createJob(api, `${head("one")}steps:\n  - run: ${printing(lines)}\n`);
    const many = Array.from({ length: megabytes }, () => `  - run: ${printing(lines / megabytes)}\n`);
    await createJob(api, `${head("many")}steps:\n${many.join("")}`);
    const floor = await copyMs(stack.folder, megabytes * 1_000_000, bytesOfLine);
    const one = await measure(stack, api, "one");
    const hundred = await measure(stack, api, "many");
    print("output", `${megabytes} MB of lines of ${bytesOfLine} bytes, until stored, median of ${rounds}`, [
      { name: "floor: copy of the same bytes", value: floor, unit: "ms" },
      ...figures("one step", one, floor),
      ...figures("100 steps of 1 MB", hundred, floor),
    ]);
  } finally {
    await stack.stop();
  }
}

const head = (name: string) => `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nlimits: { output: 200MiB }\n`;
const printing = (count: number) => `yes ${"0123456789".repeat(10).slice(1)} | head -n ${count}`;

interface Measured {
  ms: number;
  /** Of the controller: how much more than before, at its highest. */
  grownMiB: number;
}

async function measure(stack: Devstack, api: Api, job: string): Promise<Measured> {
  const { pid } = stack.controller();
  const before = memoryOf([pid]).rss;
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, memoryOf([pid]).rss);
  }, 50);
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) took.push(await once(api, job));
  clearInterval(watch);
  return { ms: median(took), grownMiB: highest - before };
}

async function once(api: Api, job: string): Promise<number> {
  const from = performance.now();
  const { items } = await api.get<{ items: { name: string }[] }>("/api/v1/targets");
  const execution = await execute(api, job, { targets: { names: [items[0]!.name] }, waitSeconds: 300 });
  const ms = performance.now() - from;
  if (execution.state !== "succeeded") throw new Error(`Execution ${execution.id} is ${execution.state}`);
  const stored = (await stepsOf(api, execution.id)).flatMap((step) => step.tries).map((t) => Number(t.storedBytes));
  const sum = stored.reduce((a, b) => a + b, 0);
  if (sum !== megabytes * 1_000_000) throw new Error(`${sum} bytes are stored of execution ${execution.id}`);
  return ms;
}

function figures(name: string, { ms, grownMiB }: Measured, floor: number): Figure[] {
  return [
    { name: `${name}: stored`, value: ms, unit: "ms" },
    { name: `${name}: stored / floor`, value: ms / floor, unit: "×" },
    { name: `${name}: lines per second`, value: lines / (ms / 1000), unit: "" },
    { name: `${name}: controller's memory, most over before`, value: grownMiB, unit: "MiB" },
  ];
}
