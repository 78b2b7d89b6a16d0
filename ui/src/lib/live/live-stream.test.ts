// The stream against a fake controller: what it asks for, how it resumes, when it says offline.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { session } from "../api/session.svelte.ts";
import type { LiveEvent, User } from "../api/types.ts";
import { liveStream } from "./live-stream.svelte.ts";

interface Connection {
  topics: string;
  lastEventId: string | null;
  send: (text: string) => void;
  cut: () => void;
  closed: () => boolean;
}
let connections: Connection[] = [];
let refuse = 0;
let silent = 0;
let refusedTopic = "";
let refusals = 0;

function fakeFetch(url: string, init: RequestInit): Promise<Response> {
  if (refuse > 0) {
    refuse -= 1;
    return Promise.reject(new TypeError("Failed to fetch"));
  }
  if (silent > 0) {
    silent -= 1;
    return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  }
  if (refusedTopic && url.includes(refusedTopic)) {
    refusals += 1;
    return Promise.resolve(new Response("{}", { status: 403 }));
  }
  const headers = new Headers(init.headers);
  let control: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (c) => {
      control = c;
    },
  });
  init.signal?.addEventListener("abort", () => control?.error(new DOMException("aborted", "AbortError")));
  connections.push({
    topics: new URL(url, "http://c").searchParams.get("topics") ?? "",
    lastEventId: headers.get("last-event-id"),
    send: (text) => control?.enqueue(new TextEncoder().encode(text)),
    cut: () => control?.close(),
    closed: () => init.signal?.aborted ?? false,
  });
  return Promise.resolve(new Response(body, { status: 200 }));
}

const changed = (topic: string, id: string) => ({ kind: "changed", topic, ids: [id] }) satisfies LiveEvent;
const frame = (id: number, event: LiveEvent) => `id: ${id}\nevent: message\ndata: ${JSON.stringify(event)}\n\n`;
const settle = (ms = 60) => vi.advanceTimersByTimeAsync(ms);
let unsubscribe: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fakeFetch);
  connections = [];
  refuse = silent = refusals = 0;
  refusedTopic = "";
  session.tokens.accept({ accessToken: "t", expiresIn: 1e6, user: { id: "u", permissions: ["*"] } as unknown as User });
});
afterEach(async () => {
  for (const done of unsubscribe) done();
  unsubscribe = [];
  await settle();
  liveStream.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function listen(topics: string[]) {
  const got: LiveEvent[] = [];
  let resets = 0;
  unsubscribe.push(liveStream.subscribe(topics, { onEvent: (event) => got.push(event), onReset: () => (resets += 1) }));
  return { got, resets: () => resets };
}

describe("liveStream", () => {
  test("one connection carries the union of what pages want", async () => {
    listen(["agents"]);
    listen(["targets", "agents"]);
    await settle();
    expect(connections.map((c) => c.topics)).toEqual(["agents,targets"]);
    expect(liveStream.status).toBe("live");
  });

  test("events go to those who asked for their topic", async () => {
    const agents = listen(["agents"]);
    const targets = listen(["targets"]);
    await settle();
    connections[0]?.send(frame(1, changed("targets", "a")));
    await settle();
    expect(agents.got).toEqual([]);
    expect(targets.got).toEqual([changed("targets", "a")]);
  });

  test("after a cut it says offline, comes back and resumes after the last event it saw", async () => {
    const agents = listen(["agents"]);
    await settle();
    connections[0]?.send(frame(41, changed("agents", "a")));
    await settle();
    refuse = 1;
    connections[0]?.cut();
    await settle(1);
    expect(liveStream.status).toBe("offline");
    await settle(5000);
    expect(connections).toHaveLength(2);
    expect(connections[1]?.lastEventId).toBe("41");
    expect(liveStream.status).toBe("live");
    expect(agents.resets(), "nothing was missed, nothing is read again").toBe(0);
  });

  test("a cut before any event makes pages read again", async () => {
    const agents = listen(["agents"]);
    await settle();
    connections[0]?.cut();
    await settle(5000);
    expect(agents.resets()).toBe(1);
  });

  test("a reset by the controller makes pages read again and the stream goes on", async () => {
    const agents = listen(["agents"]);
    await settle();
    connections[0]?.send("id: 90\nevent: reset\ndata: {}\n\n");
    connections[0]?.send(frame(91, changed("agents", "b")));
    await settle();
    expect(agents.resets()).toBe(1);
    expect(agents.got).toHaveLength(1);
  });

  test("another page's topics reconnect once and keep the position", async () => {
    const first = liveStream.subscribe(["agents"], {});
    await settle();
    connections[0]?.send(frame(5, changed("agents", "a")));
    await settle();
    first();
    listen(["targets"]);
    await settle();
    expect(connections.map((c) => [c.topics, c.lastEventId])).toEqual([
      ["agents", null],
      ["targets", "5"],
    ]);
    expect(connections[0]?.closed()).toBe(true);
    expect(liveStream.status, "a change of topics is no outage").toBe("live");
  });

  test("silence of three heartbeats counts as a dead connection", async () => {
    listen(["agents"]);
    await settle();
    connections[0]?.send(": beat\n\n");
    await settle(44_000);
    expect(connections).toHaveLength(1);
    await settle(15_000);
    expect(connections[0]?.closed()).toBe(true);
    expect(connections.length).toBeGreaterThan(1);
  });

  test("after a long outage it is back within two seconds of the controller", async () => {
    listen(["agents"]);
    await settle();
    refuse = Number.POSITIVE_INFINITY;
    connections[0]?.cut();
    await settle(60_000);
    expect(liveStream.status).toBe("offline");
    refuse = 0;
    await settle(2000);
    expect(liveStream.status).toBe("live");
  });

  test("a connection that never answers is given up for a new one", async () => {
    silent = 1;
    listen(["agents"]);
    await settle(12_000);
    expect(connections).toHaveLength(1);
    expect(liveStream.status).toBe("live");
  });

  test("without a page that listens there is no connection", async () => {
    const done = liveStream.subscribe(["agents"], {});
    await settle();
    done();
    await settle();
    expect(connections[0]?.closed()).toBe(true);
    expect(liveStream.status).toBe("idle");
  });
});

test("topics that the controller does not give are no outage, and are asked for once", async () => {
  refusedTopic = "audit";
  listen(["audit"]);
  await settle(10_000);
  expect([liveStream.status, refusals]).toEqual(["idle", 1]);
  listen(["agents"]);
  refusedTopic = "";
  await settle(200);
  expect(connections.at(-1)?.topics).toBe("agents,audit");
  expect(liveStream.status).toBe("live");
});

test("a tab that rests has no connection, and resumes where it was when it wakes", async () => {
  unsubscribe.push(liveStream.subscribe(["jobs"], {}));
  await settle();
  connections[0]!.send(frame(7, changed("jobs", "a")));
  await settle();
  liveStream.rest();
  unsubscribe.push(liveStream.subscribe(["agents"], {}));
  await settle(60_000);
  expect(connections[0]!.closed()).toBe(true);
  expect(connections).toHaveLength(1);
  expect(liveStream.status).toBe("idle");
  liveStream.wake();
  await settle();
  expect(connections.at(-1)).toMatchObject({ topics: "agents,jobs", lastEventId: "7" });
  expect(liveStream.status).toBe("live");
});

test("a tab that rested before it had a position reads again when it wakes", async () => {
  const onReset = vi.fn();
  liveStream.rest();
  unsubscribe.push(liveStream.subscribe(["jobs"], { onReset }));
  await settle();
  liveStream.wake();
  await settle();
  expect(liveStream.status).toBe("live");
  expect(onReset).toHaveBeenCalledOnce();
});
