import { expect, test } from "vitest";
import type { Agent } from "../api/types.ts";
import { agentMatches, countStates, memoryFraction, shownState } from "./agent-filter.ts";

const agent = (patch: Partial<Agent>): Agent =>
  ({
    name: "web-1",
    state: "online",
    version: "0.1.0",
    platform: { osName: "Debian 13" },
    labels: { env: "prod" },
    remoteAddress: null,
    vitals: {},
    ...patch,
  }) as Agent;

test("every word must be found somewhere", () => {
  expect(agentMatches(agent({}), "WEB debian", "all")).toBe(true);
  expect(agentMatches(agent({}), "env=prod 0.1", "all")).toBe(true);
  expect(agentMatches(agent({}), "web windows", "all")).toBe(false);
  expect(agentMatches(agent({}), "  ", "all")).toBe(true);
  expect(agentMatches(agent({}), "web", "offline")).toBe(false);
});

test("states are counted for the filter's buttons", () => {
  expect(countStates([agent({}), agent({ state: "offline" }), agent({})])).toEqual({ all: 3, online: 2, offline: 1 });
});

test("unknown memory is not shown as empty", () => {
  expect(memoryFraction(agent({}))).toBeUndefined();
  expect(memoryFraction(agent({ vitals: { memoryUsedBytes: 1, memoryTotalBytes: 0 } }))).toBeUndefined();
  expect(memoryFraction(agent({ vitals: { memoryUsedBytes: 1, memoryTotalBytes: 4 } }))).toBe(0.25);
});

test("an online agent that reports a problem is shown as degraded, an offline one as offline", () => {
  expect(shownState(agent({ vitals: { degraded: "disk full" } }))).toBe("degraded");
  expect(shownState(agent({ state: "offline", vitals: { degraded: "disk full" } }))).toBe("offline");
});
