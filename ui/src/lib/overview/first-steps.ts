// Which of the four first steps are done, from the overview's own figures. Pure.
import type { Overview } from "../api/types.ts";

export interface FirstSteps {
  agent: boolean;
  target: boolean;
  job: boolean;
  execution: boolean;
}

export function firstSteps(overview: Overview): FirstSteps {
  return {
    agent: overview.agents.total > 0,
    target: overview.targets > 0,
    job: overview.jobs > 0,
    execution: overview.latest.length > 0,
  };
}

export function isStarting(overview: Overview): boolean {
  return Object.values(firstSteps(overview)).includes(false);
}
