// What stories and benchmarks do again and again, in the words of a user. Called by them.
import type { Agent } from "@opsconductor/contract/api/agents";
import type { Execution, Step } from "@opsconductor/contract/api/executions";
import type { Job } from "@opsconductor/contract/api/jobs";
import type { Target } from "@opsconductor/contract/api/targets";
import type { Api } from "./api.ts";
import { waitFor } from "./wait-for.ts";

/** The target that stands for the local agent's host, once the agent is connected. */
export async function onlineTarget(api: Api): Promise<Target> {
  return waitFor("a target with a connected agent", async () => {
    const { items } = await api.get<{ items: Target[] }>("/api/v1/targets");
    return items.find((target) => target.agentState === "online");
  });
}

export async function onlineAgent(api: Api): Promise<Agent> {
  return waitFor("a connected agent", async () => {
    const { items } = await api.get<{ items: Agent[] }>("/api/v1/agents");
    return items.find((agent) => agent.state === "online");
  });
}

export async function createJob(api: Api, yaml: string): Promise<Job> {
  const answer = await api.request<Job>("POST", "/api/v1/jobs", yaml);
  if (answer.status !== 201)
    throw new Error(`The job was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export interface ExecuteOptions {
  inputs?: Record<string, unknown>;
  targets?: { select: string } | { names: string[] };
  /** Answers when the execution has ended, or after these seconds. */
  waitSeconds?: number;
}

export async function execute(api: Api, job: string, options: ExecuteOptions = {}): Promise<Execution> {
  const { waitSeconds, ...body } = options;
  const wait = waitSeconds === undefined ? "" : `?wait=${waitSeconds}s`;
  return api.post<Execution>(`/api/v1/jobs/${encodeURIComponent(job)}/execute${wait}`, body);
}

export async function stepsOf(api: Api, executionId: string): Promise<Step[]> {
  const answer = await api.get<{ items: Step[] } | Step[]>(`/api/v1/executions/${executionId}/steps`);
  return Array.isArray(answer) ? answer : answer.items;
}

export async function untilState(
  api: Api,
  executionId: string,
  states: string[],
  timeoutMs = 30_000,
): Promise<Execution> {
  return waitFor(
    `execution ${executionId} to be ${states.join(" or ")}`,
    async () => {
      const execution = await api.get<Execution>(`/api/v1/executions/${executionId}`);
      return states.includes(execution.state) ? execution : undefined;
    },
    { timeoutMs },
  );
}
