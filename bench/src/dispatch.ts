// npm run bench -- dispatch: POST execute of `true` on one target → its process started → finished and visible. With
// --stages: also how long each stage of the road takes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api } from "../../e2e/devstack/api.ts";
import { type Devstack, startDevstack } from "../../e2e/devstack/devstack.ts";
import { ExtraAgent } from "../../e2e/devstack/extra-agent.ts";
import { createJob, execute, onlineTarget, stepsOf } from "../../e2e/devstack/story.ts";
import { median, percentile, print, timed } from "./figures.ts";
import { commitMs, grpcMs, journalMs, shellMs } from "./floors.ts";
import { monotonicMs, recorded, type Seen, stageFigures } from "./stages.ts";

const warmUps = 200;
const runs = 200;
const password = "bench-password-1";
const about = `POST execute of \`true\` on one target, ${runs} runs one after the other`;

/** On the critical path of one execution: what must be durable one after the other, at the least. */
const commits = 3; // execution and its assignment; the offer, before it is sent; the outcome
const journalSyncs = 3; // accepted, before it is told; starting, before it happens; finished, before it is told

export async function benchDispatch(): Promise<void> {
  const stages = process.argv.includes("--stages") ? mkdtempSync(join(tmpdir(), "opsconductor-stages-")) : undefined;
  try {
    await (stages === undefined ? benchWhole() : benchStages(stages));
  } finally {
    if (stages !== undefined) rmSync(stages, { recursive: true });
  }
}

async function benchWhole(): Promise<void> {
  const stack = await startDevstack({ localAgent: true, adminPassword: password });
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const { started, finished } = await measure(api);
    const floors = await measureFloors(stack, api);
    print("dispatch", about, [
      { name: "process started, p50", value: median(started), unit: "ms" },
      { name: "process started, p99", value: percentile(started, 0.99), unit: "ms" },
      { name: "finished and visible, p50", value: median(finished), unit: "ms" },
      { name: "finished and visible, p99", value: percentile(finished, 0.99), unit: "ms" },
      ...floors.parts,
      { name: "floor", value: floors.total, unit: "ms", note: "the parts, as often as one execution needs them" },
      { name: "finished, p50 / floor", value: median(finished) / floors.total, unit: "×" },
    ]);
  } finally {
    await stack.stop();
  }
}

/** With an agent of its own, because the local one inherits nothing. */
async function benchStages(folder: string): Promise<void> {
  const stack = await startDevstack({ adminPassword: password, env: recorded(folder) });
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const agent = new ExtraAgent(stack, "bench-host", { env: recorded(folder) });
    const { token } = await api.post<{ token: string }>("/api/v1/enrollment-tokens");
    const enrolled = agent.enroll(token);
    if (enrolled.code !== 0) throw new Error(enrolled.output);
    agent.start();
    const { seen } = await measure(api);
    await agent.stop();
    await stack.stopController(); // what was recorded is written at the end
    print("dispatch --stages", about, stageFigures(folder, seen));
  } finally {
    await stack.stop();
  }
}

async function measure(api: Api): Promise<{ started: number[]; finished: number[]; seen: Seen[] }> {
  const target = await onlineTarget(api);
  await createJob(api, "apiVersion: opsconductor/v1\nkind: Job\nname: bench-true\nsteps:\n  - run: 'true'\n");
  const once = async () => {
    const from = performance.timeOrigin + performance.now();
    const askedMs = monotonicMs();
    const execution = await execute(api, "bench-true", { targets: { names: [target.name] }, waitSeconds: 30 });
    const answeredMs = monotonicMs();
    if (execution.state !== "succeeded") throw new Error(`Execution ${execution.id} is ${execution.state}`);
    return { id: execution.id, from, seen: { askedMs, answeredMs } };
  };
  for (let index = 0; index < warmUps; index++) await once();
  const all: Awaited<ReturnType<typeof once>>[] = [];
  for (let index = 0; index < runs; index++) all.push(await once());
  const started: number[] = [];
  for (const { id, from } of all) started.push(Date.parse((await stepsOf(api, id))[0]!.tries[0]!.startedAt!) - from);
  const seen = all.map((one) => one.seen);
  return { started, finished: seen.map(({ askedMs, answeredMs }) => answeredMs - askedMs), seen };
}

async function measureFloors(stack: Devstack, api: Api) {
  const http = median(await timed(runs, () => api.request("GET", "/health/live")));
  const [commit, journal, grpc, shell] = [
    await commitMs(stack.folder),
    await journalMs(stack.folder),
    await grpcMs(),
    await shellMs(),
  ];
  const total = http + commits * commit + journalSyncs * journal + grpc + shell;
  const parts = [
    { name: "floor: HTTP round trip", value: http, unit: "ms" as const },
    { name: "floor: commit", value: commit, unit: "ms" as const, note: `× ${commits}` },
    { name: "floor: journal record", value: journal, unit: "ms" as const, note: `× ${journalSyncs}` },
    { name: "floor: gRPC round trip", value: grpc, unit: "ms" as const, note: "without TLS" },
    { name: "floor: sh -c true", value: shell, unit: "ms" as const },
  ];
  return { total, parts };
}
