import { describe, expect, it } from "vitest";
import { LogLines, pageLines } from "./log-lines.ts";
import { firstHitFrom, LogSearch } from "./log-search.ts";

const nothing = () => undefined;

async function find(lines: LogLines, needle: string): Promise<number[]> {
  const search = new LogSearch(lines);
  await search.update(needle, nothing);
  return [...search.hits];
}

function logOf(lines: readonly string[], from = 0): LogLines {
  const log = new LogLines();
  log.put(from, lines);
  return log;
}

describe("the search of a log", () => {
  it("finds each matching line once, in any case", async () => {
    const log = logOf(["Error error", "fine", "ERROR: disk", "terror"]);
    expect(await find(log, "eRRor")).toEqual([0, 2, 3]);
    expect(await find(log, "nowhere")).toEqual([]);
    expect(await find(log, "")).toEqual([]);
  });

  it("reads the text and not the escape sequences", async () => {
    const log = logOf(["\x1b[31mred\x1b[0m alert", "31m", "re\x1b[1md\x1b[0m"]);
    expect(await find(log, "31m")).toEqual([1]);
    expect(await find(log, "red")).toEqual([0, 2]);
    expect(await find(log, "red alert")).toEqual([0]);
  });

  it("matches nothing across lines and treats the needle as text, not as a pattern", async () => {
    const log = logOf(["end", "start", "a.c", "abc", "(x", "\\d"]);
    expect(await find(log, "end\nstart")).toEqual([]);
    expect(await find(log, "a.c")).toEqual([2]);
    expect(await find(log, "(x")).toEqual([4]);
  });

  it("finds lines of pages far apart, and none in what is not loaded", async () => {
    const log = logOf(["hit"], pageLines * 5 + 7);
    log.put(3, ["hit"]);
    expect(await find(log, "hit")).toEqual([3, pageLines * 5 + 7]);
  });

  it("sees lines that come or change after the first search", async () => {
    const log = logOf(["a hit", "miss"]);
    const search = new LogSearch(log);
    await search.update("hit", nothing);
    log.put(1, ["a hit as well", "hit"]);
    expect([...search.hits]).toEqual([0]);
    await search.update("hit", nothing);
    expect([...search.hits]).toEqual([0, 1, 2]);
    await search.update("as well", nothing);
    expect([...search.hits]).toEqual([1]);
  });

  it("gives way to a newer search", async () => {
    const log = logOf(Array.from({ length: 200_000 }, (_, i) => `line ${i}`));
    const search = new LogSearch(log);
    const first = search.update("line", nothing);
    await search.update("line 199999", nothing);
    await first;
    expect([...search.hits]).toEqual([199_999]);
  });

  it("stays right where lower case has another length", async () => {
    const log = logOf(["İİİİ", "x", "find me"]);
    expect(await find(log, "find")).toEqual([2]);
  });

  it("finds the next hit from a line on", () => {
    const hits = Int32Array.of(3, 10, 11);
    expect([0, 3, 4, 11, 12].map((line) => firstHitFrom(hits, line))).toEqual([0, 0, 1, 2, 3]);
  });
});
