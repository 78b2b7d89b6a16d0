// npm run bench -- memory: controller, agent and PostgreSQL, idle after the start and after 100 executions.
import { setTimeout } from "node:timers/promises";
import { Api } from "../../e2e/devstack/api.ts";
import { type Devstack, startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute, onlineTarget } from "../../e2e/devstack/story.ts";
import { type Figure, print } from "./figures.ts";
import { childrenOf, memoryOf } from "./memory-of.ts";

const executions = 100;
const settleMs = 5_000;
const password = "bench-password-1";

export async function benchMemory(): Promise<void> {
  const stack = await startDevstack({ localAgent: true, adminPassword: password });
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const target = await onlineTarget(api);
    await setTimeout(settleMs); // a measurement of idleness has nothing to wait for
    const idle = figures(stack, "idle");
    await createJob(api, "apiVersion: opsconductor/v1\nkind: Job\nname: bench\nsteps:\n  - run: seq 1000\n");
    for (let index = 0; index < executions; index++)
      await execute(api, "bench", { targets: { names: [target.name] }, waitSeconds: 30 });
    await setTimeout(settleMs);
    print("memory", `idle, and after ${executions} executions of 1,000 lines`, [
      ...idle,
      ...figures(stack, `after ${executions}`),
    ]);
  } finally {
    await stack.stop();
  }
}

function figures(stack: Devstack, when: string): Figure[] {
  const controller = stack.controller().pid;
  const others = stack.processes().filter(({ pid }) => pid !== controller);
  const isPostgres = ({ command }: { command: string }) => /^postgres|\/bin\/postgres /.test(command);
  const groups = {
    controller: [controller],
    agent: others.filter((process) => !isPostgres(process)).map(({ pid }) => pid),
    postgres: [...new Set(others.filter(isPostgres).flatMap(({ pid }) => [pid, ...childrenOf(pid)]))],
  };
  return Object.entries(groups).flatMap(([name, pids]) => {
    const { rss, pss, own } = memoryOf(pids);
    const note = `${pids.length} process${pids.length === 1 ? "" : "es"}`;
    return [
      { name: `${when}: ${name}, PSS`, value: pss, unit: "MiB" as const, note },
      { name: `${when}: ${name}, RSS`, value: rss, unit: "MiB" as const },
      { name: `${when}: ${name}, private`, value: own, unit: "MiB" as const },
    ];
  });
}
