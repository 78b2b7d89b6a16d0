import { QueryClient } from "@tanstack/svelte-query";
import { expect, test } from "vitest";
import { keys } from "../api/query-keys.ts";
import type { Agent } from "../api/types.ts";
import { LiveCache, mergeRows } from "./apply-live-event.ts";

const agent = (id: string, name = id): Agent =>
  ({ id, name, vitals: {}, platform: {}, labels: {} }) as unknown as Agent;

test("changed rows are replaced in place, new ones come last, others keep their identity", () => {
  const list = [agent("a"), agent("b"), agent("c")];
  const merged = mergeRows(
    list,
    new Map([
      ["b", agent("b", "B")],
      ["d", agent("d")],
    ]),
  );
  expect(merged.map((row) => row.name)).toEqual(["a", "B", "c", "d"]);
  expect(merged[0]).toBe(list[0]);
});

test("many pushes within one beat become one change of the list, the newest of each agent wins", () => {
  const client = new QueryClient();
  client.setQueryData(keys.agentList, { items: [agent("a")], truncated: false });
  client.setQueryData(keys.agent("a"), agent("a"));
  let changes = 0;
  client.getQueryCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "success" && event.query.queryKey[1] === "list") changes += 1;
  });
  const cache = new LiveCache(client);
  for (let i = 0; i < 100; i += 1) cache.apply({ kind: "agent", topic: "agents", agent: agent("a", `a${i}`) });
  cache.flush();
  expect(changes).toBe(1);
  expect(client.getQueryData(keys.agent("a"))).toMatchObject({ name: "a99" });
});

test("facts of the page that is open stay, and are read again when the host has sent new ones", () => {
  const client = new QueryClient();
  const facts = { os: { family: "linux" } };
  client.setQueryData(keys.agent("a"), { ...agent("a"), facts, factsAt: "1" });
  const cache = new LiveCache(client);
  cache.apply({ kind: "agent", topic: "agents", agent: { ...agent("a", "A"), facts: {}, factsAt: "1" } });
  cache.flush();
  expect(client.getQueryData(keys.agent("a"))).toMatchObject({ name: "A", facts });
  expect(client.getQueryState(keys.agent("a"))?.isInvalidated).toBe(false);
  cache.apply({ kind: "agent", topic: "agents", agent: { ...agent("a"), facts: {}, factsAt: "2" } });
  cache.flush();
  expect(client.getQueryState(keys.agent("a"))?.isInvalidated).toBe(true);
});

test("an agent that no page has read is not put into the cache", () => {
  const client = new QueryClient();
  const cache = new LiveCache(client);
  cache.apply({ kind: "agent", topic: "agents", agent: agent("a") });
  cache.flush();
  expect(client.getQueryData(keys.agentList)).toBeUndefined();
  expect(client.getQueryData(keys.agent("a"))).toBeUndefined();
});

test("a change that names only ids makes the topic's lists stale", () => {
  const client = new QueryClient();
  client.setQueryData(keys.targetList(""), { items: [], truncated: false });
  const cache = new LiveCache(client);
  cache.apply({ kind: "changed", topic: "targets", ids: ["x"] });
  cache.flush();
  expect(client.getQueryState(keys.targetList(""))?.isInvalidated).toBe(true);
});
