// npm run bench -- agent: the agent as it is packaged for hosts: its size, its start, and what it takes while it waits, after
// 100 executions, and during a step that prints 100 MB.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Api } from "../../e2e/devstack/api.ts";
import { type Devstack, startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute } from "../../e2e/devstack/story.ts";
import { type Figure, median, print } from "./figures.ts";
import { echoServer } from "./floors.ts";
import { childrenOf, memoryOf } from "./memory-of.ts";

const host = "bench-host";
const starts = 5;
const executions = 100;
/** Updates are counted a minute after the start; idle is what comes after it. */
const settleMs = 75_000;
const idleMs = 40_000;
const password = "bench-password-1";
const big = `apiVersion: opsconductor/v1
kind: Job
name: big
limits: { output: 200MiB }
steps:
  - run: yes ${"0123456789".repeat(10).slice(1)} | head -n 1000000
`;

export async function benchAgent(): Promise<void> {
  const stack = await startDevstack({ adminPassword: password });
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const { program, kibibytes } = await unpack(stack);
    const figures: Figure[] = [{ name: "package", value: kibibytes, unit: "KiB" }, ...(await floor())];
    const state = ["--state-dir", join(stack.folder, host)];
    const { token } = await api.post<{ token: string }>("/api/v1/enrollment-tokens");
    execFileSync(program, ["enroll", "--join", token, "--server", stack.apiAddress, "--name", host, ...state]);
    const { agent, readyMs } = await startOften(program, ["run", ...state]);
    figures.push({ name: `start until connected, median of ${starts}`, value: readyMs, unit: "ms" });
    figures.push(...(await idle(agent.pid!)), ...(await working(api, agent.pid!)));
    await stop(agent);
    print("agent", "as packaged for hosts; private: without the pages of the program itself", figures);
  } finally {
    await stack.stop();
  }
}

async function unpack(stack: Devstack): Promise<{ program: string; kibibytes: number }> {
  const folder = join(stack.folder, "package");
  mkdirSync(folder);
  const answer = await fetch(`${stack.url}/packages/opsconductor-agent-${process.platform}-${process.arch}.tar.gz`);
  if (!answer.ok) throw new Error(`The package was answered with ${answer.status}`);
  const archive = Buffer.from(await answer.arrayBuffer());
  writeFileSync(join(folder, "agent.tar.gz"), archive);
  execFileSync("tar", ["-xzf", "agent.tar.gz"], { cwd: folder });
  const program = execFileSync("find", [folder, "-path", "*/bin/opsconductor-agent"], { encoding: "utf8" }).trim();
  return { program, kibibytes: archive.length / 1024 };
}

/** Node with grpc-js and one open stream, without TLS. */
async function floor(): Promise<Figure[]> {
  const { port, close } = await echoServer();
  const client = fileURLToPath(new URL("./bare-client.mjs", import.meta.url));
  const bare = spawn(process.execPath, [client, `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "inherit"] });
  await says(bare, /connected/);
  await sleep(2_000); // a measurement of idleness has nothing to wait for
  const figures = memoryFigures("floor: Node with an open gRPC stream", bare.pid!);
  await stop(bare);
  close();
  return figures;
}

async function startOften(program: string, args: string[]): Promise<{ agent: ChildProcess; readyMs: number }> {
  const took: number[] = [];
  for (;;) {
    const from = performance.now();
    const agent = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    await says(agent, /link\.connected/);
    took.push(performance.now() - from);
    if (took.length === starts) return { agent, readyMs: median(took) };
    await stop(agent);
  }
}

async function idle(pid: number): Promise<Figure[]> {
  await sleep(settleMs);
  const [before, from] = [cpuMs(pid), performance.now()];
  await sleep(idleMs);
  const percent = (100 * (cpuMs(pid) - before)) / (performance.now() - from);
  const waiting = descendantsOf(pid);
  const note = `${waiting.length} processes`;
  return [
    ...memoryFigures("idle", pid),
    { name: "idle: of a core", value: percent, unit: "%" },
    { name: "idle: its waiting supervisors, PSS", value: memoryOf(waiting).pss, unit: "MiB", note },
  ];
}

async function working(api: Api, pid: number): Promise<Figure[]> {
  const targets = { names: [host] };
  await createJob(api, "apiVersion: opsconductor/v1\nkind: Job\nname: small\nsteps:\n  - run: 'true'\n");
  for (let index = 0; index < executions; index++) await execute(api, "small", { targets, waitSeconds: 30 });
  await sleep(5_000);
  const after = memoryFigures(`after ${executions} executions`, pid);
  await createJob(api, big);
  let highest = 0;
  const watch = setInterval(() => {
    highest = Math.max(highest, memoryOf([pid]).rss);
  }, 50);
  const { state } = await execute(api, "big", { targets, waitSeconds: 300 });
  clearInterval(watch);
  if (state !== "succeeded") throw new Error(`The step that prints 100 MB is ${state}`);
  return [...after, { name: "highest while a step prints 100 MB, RSS", value: highest, unit: "MiB" }];
}

function memoryFigures(when: string, pid: number): Figure[] {
  const { rss, anonymous } = memoryOf([pid]);
  return [
    { name: `${when}: RSS`, value: rss, unit: "MiB" },
    { name: `${when}: private`, value: anonymous, unit: "MiB" },
  ];
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Of the whole life of a process; the kernel counts in steps of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function says(child: ChildProcess, word: RegExp): Promise<void> {
  for await (const line of createInterface({ input: child.stdout! })) if (word.test(line)) break;
  child.stdout!.resume();
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}
