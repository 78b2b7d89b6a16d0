// Requests about many targets at once: groups of the same output, and two executions beside each other.
import type { TargetChange } from "@opsconductor/contract/api/compare";
import { request } from "./request.ts";
import type { ComparedTarget, Comparison, OutputGroupPage, OutputGroupTarget, Page } from "./types.ts";

const one = (id: string, rest: string) => `executions/${encodeURIComponent(id)}/${rest}`;

export interface StepPlace {
  stage: string;
  step: string;
}
export const listOutputGroups = (id: string, place: StepPlace, cursor?: string, signal?: AbortSignal) =>
  request<OutputGroupPage>("GET", one(id, "output-groups"), { query: { ...place, cursor }, signal });

export const listGroupTargets = (id: string, group: string, place: StepPlace, cursor?: string, signal?: AbortSignal) =>
  request<Page<OutputGroupTarget>>("GET", one(id, `output-groups/${group}`), { query: { ...place, cursor }, signal });

/** `before`: an id, a number, or `previous`. */
export const compareExecutions = (before: string, after: string, signal?: AbortSignal) =>
  request<Comparison>("GET", one(after, "compare"), { query: { with: before }, signal });

export const listComparedTargets = (
  before: string,
  after: string,
  filter: { change?: TargetChange; q?: string; cursor?: string },
  signal?: AbortSignal,
) =>
  request<Page<ComparedTarget>>("GET", one(after, "compare/targets"), { query: { with: before, ...filter }, signal });
