// npm run bench -- start: `npm start` on a prepared machine → the console answers → the first job is green.
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute, onlineTarget } from "../../e2e/devstack/story.ts";
import { median, print } from "./figures.ts";

const runs = 5;
const password = "bench-password-1";

interface Times {
  answers: number;
  green: number;
}

export async function benchStart(): Promise<void> {
  const first: Times[] = [];
  const again: Times[] = [];
  for (let index = 0; index < runs; index++) {
    const begin = performance.now();
    const stack = await startDevstack({ localAgent: true, adminPassword: password, program: "scripts/start.mjs" });
    try {
      first.push(await follow(stack.url, begin, "first"));
      await stack.stopController();
      const beginAgain = performance.now();
      await stack.startController();
      again.push(await follow(stack.url, beginAgain, "again"));
    } finally {
      await stack.stop();
    }
  }
  print("start", `npm start with everything installed and built, ${runs} runs, median`, [
    { name: "first database: console answers", value: median(first.map((t) => t.answers)), unit: "ms" },
    { name: "first database: first job green", value: median(first.map((t) => t.green)), unit: "ms" },
    { name: "existing database: console answers", value: median(again.map((t) => t.answers)), unit: "ms" },
    { name: "existing database: a job green", value: median(again.map((t) => t.green)), unit: "ms" },
  ]);
}

async function follow(url: string, begin: number, job: string): Promise<Times> {
  const page = await fetch(`${url}/`, { headers: { accept: "text/html" } });
  if (!page.ok) throw new Error(`The console was answered with ${page.status}`);
  const answers = performance.now() - begin;
  const api = await Api.signIn(url, "admin", password);
  const target = await onlineTarget(api);
  await createJob(api, `apiVersion: opsconductor/v1\nkind: Job\nname: ${job}\nsteps:\n  - run: 'true'\n`);
  const { state } = await execute(api, job, { targets: { names: [target.name] }, waitSeconds: 30 });
  if (state !== "succeeded") throw new Error(`The first execution is ${state}`);
  return { answers, green: performance.now() - begin };
}
