// Words of workflows and rollouts: the graph of stages, batches, failure budgets.
import { formatNumber } from "../../format/number.ts";
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const flow = area({
  stages: "Stages",
  graph: "Stages of this workflow and how they depend on each other; the arrow keys go from one to the next",
  allStages: "All stages",
  done: (done: number, total: number) => `${formatNumber(done)} / ${formatNumber(total)}`,
  doneOf: (done: number, total: number) =>
    `${formatNumber(done)} of ${plural(total, { one: "target", other: "targets" })} done`,
  ofAll: (count: number, total: number, state = "done") => `${formatNumber(count)} of ${formatNumber(total)} ${state}`,
  doneIn: (number: number) => `done in #${number}`,
  parts: (count: number) => plural(count, { one: "part", other: "parts" }),
  from: (job: string) => `from ${job}`,
  rollout: "Rollout",
  batch: (batch: number, batches: number) => `Batch ${formatNumber(batch)} of ${formatNumber(batches)}`,
  notBegun: (batches: number) => `${plural(batches, { one: "batch", other: "batches" })}, none begun`,
  failures: (bad: number, allowed: number) => `${formatNumber(bad)} of at most ${formatNumber(allowed)} failures`,
  stopped: "Stopped: more failed than the job allows, nothing more is started",
  nextBatch: "next batch",
  stepFirst: "a barrier after every step",
  plan: {
    title: "What would run",
    planning: "Working out what would run…",
    refused: "This would be refused",
    targets: (count: number) => plural(count, { one: "target", other: "targets" }),
    offline: (count: number) => `${formatNumber(count)} not connected`,
    leftOut: (count: number) => `${formatNumber(count)} left out`,
    batches: (sizes: readonly number[]) =>
      `${plural(sizes.length, { one: "batch", other: "batches" })}: ${sizes
        .slice(0, 8)
        .map((size) => formatNumber(size))
        .join(", ")}${sizes.length > 8 ? " …" : ""}`,
    mayFail: (count: number) => `${formatNumber(count)} may fail`,
    when: "when",
    after: (names: string) => `after ${names}`,
    more: (count: number) => `and ${formatNumber(count)} more`,
  },
  retryStages: "Go on from the failed stages",
  retryText: (version: number) =>
    `A new execution of the same version (${version}) with the same inputs. Stages that succeeded count as done; failed ones run on the targets that ended badly, and what needs them follows.`,
});
