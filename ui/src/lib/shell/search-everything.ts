// One question to all lists the signed-in person may read; the palette's search.
import { listAgents } from "../api/agents.ts";
import { listExecutions } from "../api/executions.ts";
import { listJobs } from "../api/jobs.ts";
import { listTargets } from "../api/targets.ts";
import { palette } from "../messages/areas/palette.ts";
import { m } from "../messages/m.ts";
import { paths } from "../paths.ts";

export interface Found {
  kind: "agent" | "target" | "job" | "execution";
  id: string;
  label: string;
  detail: string;
  href: string;
}

const limit = 5;

/** At most five of each kind. A list that fails is left out: the others still help. */
export async function searchEverything(
  text: string,
  can: (permission: string) => boolean,
  signal: AbortSignal,
): Promise<Found[]> {
  const q = text.replace(/^#/, "");
  const lists = await Promise.allSettled([
    can("executions:read") ? findExecutions(q, signal) : [],
    can("agents:read") ? findAgents(q, signal) : [],
    can("targets:read") ? findTargets(q, signal) : [],
    can("jobs:read") ? findJobs(q, signal) : [],
  ]);
  return lists.flatMap((list) => (list.status === "fulfilled" ? list.value : []));
}

async function findExecutions(q: string, signal: AbortSignal): Promise<Found[]> {
  const { items } = await listExecutions({ q, limit }, signal);
  return items.map((item) => ({
    kind: "execution",
    id: item.id,
    label: palette.execution(item.number, item.jobName),
    detail: m.states[item.state],
    href: paths.execution(item.id),
  }));
}

async function findAgents(q: string, signal: AbortSignal): Promise<Found[]> {
  const { items } = await listAgents({ q, limit }, signal);
  return items.map((item) => ({
    kind: "agent",
    id: item.id,
    label: item.name,
    detail: m.states[item.state],
    href: paths.agent(item.id),
  }));
}

async function findTargets(q: string, signal: AbortSignal): Promise<Found[]> {
  const { items } = await listTargets({ q, limit }, signal);
  return items.map((item) => ({
    kind: "target",
    id: item.id,
    label: item.name,
    detail: item.address ?? item.hostname ?? "",
    href: paths.target(item.id),
  }));
}

async function findJobs(q: string, signal: AbortSignal): Promise<Found[]> {
  const { items } = await listJobs({ q, limit }, signal);
  return items.map((item) => ({
    kind: "job",
    id: item.id,
    label: item.name,
    detail: item.description,
    href: paths.job(item.name),
  }));
}
