// Words of what a job's definition says beside its steps: how it rolls out, who agrees, what it waits for, when it ends.
import { area } from "./area.ts";

export const jobRules = area({
  title: "How it runs",
  runAs: "Runs as",
  ownUser: "the agent's own user",
  limits: "Limits of a step",
  timeout: "On one target",
  timeoutOf: (time: string) => `at most ${time}`,
  deadline: "Altogether",
  rollout: "Rollout",
  canary: (share: string) => `${share} first`,
  batch: (share: string) => (share === "100%" ? "all at once" : `${share} at a time`),
  thenBatch: (share: string) => (share === "100%" ? "then all others" : `then ${share} at a time`),
  pause: (time: string) => `${time} between batches`,
  mayFail: (share: string) => `${share} may fail`,
  stepFirst: "a barrier after every step",
  approval: "Approval",
  required: (count: number, by: string) => `${count} of ${by}`,
  anybody: "those who may decide",
  notRequester: "not who asked for it",
  expires: (time: string) => `within ${time}`,
  concurrency: "At the same time",
  atMost: (limit: number, key: string) => `at most ${limit} with the key ${key}`,
  conflict: {
    queue: "others wait",
    skip: "others are skipped",
    "cancel-running": "a newer one cancels the oldest",
  },
  priority: "Priority",
  max: (most: number) => `at most ${most}`,
  offline: {
    queue: (expiry: string) => `waits up to ${expiry} for an agent that is not connected`,
    skip: () => "leaves out targets whose agent is not connected",
    fail: () => "fails at once where the agent is not connected",
  },
});
