import type { LiveEvent } from "@opsconductor/contract/api/events";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createLive } from "./in-process.ts";

const changed = (topic: string, id: string) => ({ kind: "changed" as const, topic, ids: [id] });
const quiet = pino({ level: "silent" });

function collect() {
  const seen: string[] = [];
  let lastId: string | undefined;
  const listener = (id: string, event: LiveEvent) => {
    lastId = id;
    if (event.kind === "changed") seen.push(`${event.topic}:${event.ids[0]}`);
  };
  return { seen, listener, lastId: () => lastId };
}

test("a subscriber gets the events of its topics and no others", () => {
  const live = createLive(quiet);
  const { seen, listener } = collect();
  live.subscribe(["agents", "jobs"], undefined, listener);
  for (const topic of ["agents", "targets", "jobs"]) live.publish(changed(topic, "1"));
  expect(seen).toEqual(["agents:1", "jobs:1"]);
});

test("after a cut the missed events come first, in order and once", () => {
  const live = createLive(quiet);
  const first = collect();
  const subscription = live.subscribe(["agents"], undefined, first.listener);
  live.publish(changed("agents", "1"));
  subscription.close();
  live.publish(changed("agents", "2"));
  live.publish(changed("jobs", "x"));
  live.publish(changed("agents", "3"));
  const second = collect();
  expect(live.subscribe(["agents"], first.lastId(), second.listener).reset).toBe(false);
  live.publish(changed("agents", "4"));
  expect(second.seen).toEqual(["agents:2", "agents:3", "agents:4"]);
  expect(first.seen).toEqual(["agents:1"]);
});

test("an id of another process, from the future, or garbage asks for a reset", () => {
  const live = createLive(quiet);
  const { lastId } = live.subscribe([], undefined, () => {});
  live.publish(changed("agents", "1"));
  const future = lastId.replace(/-\d+$/, "-99");
  for (const id of [createLive(quiet).subscribe([], undefined, () => {}).lastId, future, "garbage", "-", "a-b"])
    expect(live.subscribe(["agents"], id, () => {}).reset).toBe(true);
  expect(live.subscribe(["agents"], lastId, () => {}).reset).toBe(false);
});

test("an id older than the ring asks for a reset, the oldest held one does not", () => {
  const live = createLive(quiet);
  const { lastId } = live.subscribe([], undefined, () => {});
  for (let n = 0; n < 8192; n++) live.publish(changed("agents", String(n)));
  const { seen, listener } = collect();
  expect(live.subscribe(["agents"], lastId, listener).reset).toBe(false);
  expect([seen.length, seen[0], seen.at(-1)]).toEqual([8192, "agents:0", "agents:8191"]);
  live.publish(changed("agents", "x"));
  expect(live.subscribe(["agents"], lastId, () => {}).reset).toBe(true);
});

test("a listener that throws does not reach the publisher or the others", () => {
  const live = createLive(quiet);
  const { seen, listener } = collect();
  live.subscribe(["agents"], undefined, () => {
    throw new Error("broken page");
  });
  live.subscribe(["agents"], undefined, listener);
  live.publish(changed("agents", "1"));
  expect(seen).toEqual(["agents:1"]);
});
