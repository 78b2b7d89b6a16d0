import { describe, expect, it } from "vitest";
import type { OutputLines } from "../api/types.ts";
import { type FeedQuery, LogFeed } from "./log-feed.ts";

/** A server with one try's output: answers like the controller, and fails when it is told to. */
class Server {
  lines: string[] = [];
  open = false;
  complete = false;
  try = 1;
  down = false;
  /** Most lines of one answer. */
  most = 10_000;
  readonly asked: FeedQuery[] = [];

  answer(query: FeedQuery): OutputLines {
    this.asked.push(query);
    if (this.down) throw new Error("connection refused");
    const total = this.lines.length;
    const from = query.from < 0 ? Math.max(0, total + query.from) : query.from;
    return {
      from,
      lines: this.lines.slice(from, from + Math.min(query.limit, this.most)),
      totalLines: total,
      storedBytes: total,
      lastLineOpen: this.open,
      complete: this.complete,
      try: this.try,
      attempt: 1,
      gaps: [],
    };
  }
}

/** Timers that run when the test says so, and a feed on them. */
function setUp(server: Server) {
  let now = 0;
  let id = 0;
  const timers = new Map<number, { task: () => void; at: number }>();
  const feed = new LogFeed({
    fetch: async (query, signal) => {
      await Promise.resolve();
      signal.throwIfAborted();
      return server.answer(query);
    },
    onChange: () => undefined,
    nowMs: () => now,
    setTimer: (task, delayMs) => {
      timers.set(++id, { task, at: now + delayMs });
      return id;
    },
    clearTimer: (timer) => timers.delete(timer as number),
  });
  const settle = async () => {
    for (let i = 0; i < 2000; i += 1) await Promise.resolve();
  };
  const pass = async (ms: number) => {
    const end = now + ms;
    for (;;) {
      await settle();
      const due = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      timers.delete(due[0]);
      now = Math.max(now, due[1].at);
      due[1].task();
    }
    now = end;
    await settle();
  };
  return {
    feed,
    pass,
    settle,
    timers,
    shown: () => Array.from({ length: feed.lines.count }, (_, i) => feed.lines.line(i)),
  };
}

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`);

describe("the feed of a log", () => {
  it("loads the end first, then the rest backwards", async () => {
    const server = new Server();
    server.lines = numbered(0, 12_000);
    server.complete = true;
    const { feed, pass, shown } = setUp(server);
    feed.start();
    await pass(0);
    expect(server.asked.map((query) => [query.from, query.limit])).toEqual([
      [-1000, 1000],
      [6000, 5000],
      [1000, 5000],
      [0, 1000],
    ]);
    expect(shown()).toEqual(server.lines);
    expect(feed.complete).toBe(true);
  });

  it("loads what is looked at before the rest", async () => {
    const server = new Server();
    server.lines = numbered(0, 100_000);
    const { feed, settle } = setUp(server);
    feed.show({ from: 50_000, to: 50_040 });
    feed.start();
    await settle();
    expect(server.asked[1]).toEqual({ from: 49_800, limit: 440 });
    expect(feed.lines.line(50_020)).toBe("line 50020");
  });

  it("follows what grows, an open line included, without losing or doubling any", async () => {
    const server = new Server();
    const { feed, pass, shown } = setUp(server);
    feed.start();
    await pass(0);
    expect(feed.status).toBe("empty");
    for (const step of [["a"], ["a", "b"], ["a", "b", "c1"], ["a", "b", "c12", "d"], ["a", "b", "c12", "d", "e"]]) {
      server.lines = step;
      server.open = step.length === 3;
      feed.grew();
      await pass(300);
      expect(shown()).toEqual(step);
    }
    expect(feed.status).toBe("ready");
  });

  it("gathers what it is told: a hundred pushes within a moment are one or two requests", async () => {
    const server = new Server();
    server.lines = ["a"];
    const { feed, pass } = setUp(server);
    feed.start();
    await pass(1000);
    const before = server.asked.length;
    for (let i = 0; i < 100; i += 1) {
      server.lines.push(`x${i}`);
      feed.grew();
      await pass(2);
    }
    await pass(300);
    expect(server.asked.length - before).toBeLessThanOrEqual(3);
    expect(feed.lines.loaded).toBe(101);
  });

  it("asks by itself when nobody tells, and stops asking at the end", async () => {
    const server = new Server();
    const { feed, pass, timers } = setUp(server);
    feed.start();
    await pass(0);
    server.lines = ["quiet"];
    await pass(3100);
    expect(feed.lines.line(0)).toBe("quiet");
    server.complete = true;
    await pass(3100);
    expect(feed.complete).toBe(true);
    const before = server.asked.length;
    await pass(60_000);
    expect(server.asked.length).toBe(before);
    expect(timers.size).toBe(0);
  });

  it("says that it is cut off, tries again by itself, and has every line once afterwards", async () => {
    const server = new Server();
    server.lines = numbered(0, 50);
    const { feed, pass, shown } = setUp(server);
    feed.start();
    await pass(0);
    server.down = true;
    feed.grew();
    await pass(300);
    expect(feed.status).toBe("retrying");
    expect(feed.error).toMatchObject({ message: "connection refused" });
    server.lines = numbered(0, 30_000);
    await pass(10_000);
    server.down = false;
    await pass(10_000);
    expect(feed.status).toBe("ready");
    expect(feed.error).toBeUndefined();
    expect(shown()).toEqual(server.lines);
  });

  it("goes on at once when it is told that the connection is back", async () => {
    const server = new Server();
    server.down = true;
    const { feed, pass, settle } = setUp(server);
    feed.start();
    await pass(20_000);
    server.down = false;
    server.lines = ["x"];
    feed.retryNow();
    await settle();
    expect(feed.lines.line(0)).toBe("x");
  });

  it("reads on where a short answer ended", async () => {
    const server = new Server();
    server.lines = numbered(0, 3000);
    server.most = 70;
    server.complete = true;
    const { feed, pass, shown } = setUp(server);
    feed.start();
    await pass(1000);
    expect(shown()).toEqual(server.lines);
  });

  it("starts over when the step runs again, and mixes nothing", async () => {
    const server = new Server();
    server.lines = numbered(0, 500);
    const { feed, pass, shown } = setUp(server);
    feed.start();
    await pass(0);
    server.try = 2;
    server.lines = ["second try"];
    feed.grew();
    await pass(600);
    expect(feed.try).toBe(2);
    expect(shown()).toEqual(["second try"]);
  });

  it("loads only what is looked at of a log beyond the background's bound", async () => {
    const server = new Server();
    server.lines = new Array<string>(2_000_000).fill("x");
    server.complete = true;
    const { feed, pass } = setUp(server);
    feed.start();
    await pass(1000);
    expect(feed.lines.count).toBe(2_000_000);
    expect(feed.lines.loaded).toBeLessThan(520_000);
    feed.show({ from: 1_234_567, to: 1_234_600 });
    await pass(0);
    expect(feed.lines.line(1_234_567)).toBe("x");
  });

  it("does nothing more after it was stopped", async () => {
    const server = new Server();
    server.lines = numbered(0, 20_000);
    const { feed, settle, timers } = setUp(server);
    feed.start();
    feed.stop();
    await settle();
    expect(feed.lines.count).toBe(0);
    expect(timers.size).toBe(0);
    expect(server.asked.length).toBe(0);
  });
});
