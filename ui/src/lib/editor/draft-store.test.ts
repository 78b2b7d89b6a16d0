import { describe, expect, it } from "vitest";
import { DraftStore } from "./draft-store.ts";

function memory(initial: Record<string, string> = {}) {
  const map = new Map(Object.entries(initial));
  return {
    map,
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  };
}

describe("a draft", () => {
  it("comes back as it was left, for its own job only", () => {
    const storage = memory();
    const draft = { text: "kind: Job\n", revision: 3, atMs: 5 };
    expect(new DraftStore("a", storage).save(draft)).toBe(true);
    expect(new DraftStore("a", storage).load()).toEqual(draft);
    expect(new DraftStore("b", storage).load()).toBeUndefined();
    new DraftStore("a", storage).clear();
    expect(storage.map.size).toBe(0);
  });

  it("is nothing when storage holds something else", () => {
    for (const value of ["{", "null", "1", '{"text":1,"atMs":2}', '{"text":"x"}'])
      expect(new DraftStore("a", memory({ "oc.draft.a": value })).load()).toBeUndefined();
  });

  it("says when the browser does not keep it", () => {
    const full = {
      ...memory(),
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    expect(new DraftStore("a", full).save({ text: "x", revision: undefined, atMs: 1 })).toBe(false);
    expect(new DraftStore("a", undefined).save({ text: "x", revision: undefined, atMs: 1 })).toBe(false);
  });
});
