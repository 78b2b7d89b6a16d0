// Words of the limits: how much runs at once, the brake on starts, priorities, what waits because of them.
import { formatNumber } from "../../format/number.ts";
import { plural } from "../plural.ts";
import { area } from "./area.ts";

const targets = (count: number) => plural(count, { one: "target", other: "targets" });

export const limits = area({
  title: "Limits",
  now: "Now",
  running: "Run now",
  waitForAgents: "Wait for their agent",
  waitForFleet: "Wait for the fleet",
  atOnce: "At once",
  agentLimit: "On one agent",
  agentLimitHint: "Targets that one agent works on at the same time; 64 when empty. An agent may have its own.",
  fleetLimit: "On the whole fleet",
  fleetLimitHint: "Over all agents that are connected; no limit when empty.",
  brake: "Brake",
  brakeText: "Starts beyond this are refused, so that a script in a loop does no harm.",
  brakeUnfinished: "Unfinished executions of one job",
  brakeUnfinishedHint: "Waiting ones count too. 1,000 unless changed; no brake when empty.",
  brakeJob: "Starts of one job",
  brakeUser: "Starts by one user",
  brakeHint: "No brake when empty.",
  brakeSeconds: "Within so many seconds",
  number: (most: number) => `A whole number from 1 to ${formatNumber(most)}.`,
  save: "Save",
  saved: "The limits hold from now on.",
  readOnly: "Changing them takes the permission system:write.",
  ofAgent: "At once",
  byAgent: (limit: number) => `at most ${targets(limit)}`,
  bySettings: "as the settings say",
  change: "Change",
  agentTitle: (name: string) => `How much ${name} does at once`,
  agentText: "For what has not begun. Empty: as the settings say.",
  agentField: "Targets at once",
  agentSaved: "Saved.",
  waitsForAgent: (count: number) => `${targets(count)} ${count === 1 ? "waits" : "wait"} for their agent`,
  waitsForAgentText: "It runs as many as it may. They begin as soon as something ends there.",
  waitsForFleet: (count: number) => `${targets(count)} ${count === 1 ? "waits" : "wait"} for the fleet`,
  waitsForFleetText: (limit: number) =>
    `At most ${formatNumber(limit)} run at once on all agents. They begin as soon as something ends.`,
  waitsForAway: (count: number) =>
    `${targets(count)} ${count === 1 ? "waits" : "wait"} for an agent that is not connected`,
  targetWaits: {
    agent: "Its agent runs as many targets as it may. It begins as soon as something ends there.",
    fleet: "As many targets run on all agents as may. It begins as soon as something ends.",
  },
  deadline: "ends at the latest",
  show: "Show the limits",
  priority: "Priority",
  priorityHint: "Who goes first where something waits for its turn, or for room.",
  priorities: { low: "Low", normal: "Normal", high: "High" },
  priorityOf: { low: "low priority", normal: "normal priority", high: "high priority" },
});
