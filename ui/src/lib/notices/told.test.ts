import { afterEach, expect, test, vi } from "vitest";
import { takeNotice } from "./told.ts";

afterEach(() => vi.unstubAllGlobals());

test("what one tab took no other tells, and the memory of it stays small", async () => {
  const store = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => store.get(key) ?? null,
    setItem: (key: string, value: string) => store.set(key, value),
  });
  vi.stubGlobal("navigator", {});
  expect([await takeNotice("a"), await takeNotice("a"), await takeNotice("b")]).toEqual([true, false, true]);
  for (let i = 0; i < 300; i += 1) await takeNotice(`more ${i}`);
  expect(JSON.parse(store.get("oc.told")!)).toHaveLength(200);
  store.set("oc.told", '"spoilt"');
  expect(await takeNotice("c")).toBe(true);
});

test("without storage each tab tells rather than none", async () => {
  vi.stubGlobal("localStorage", undefined);
  vi.stubGlobal("navigator", {});
  expect([await takeNotice("a"), await takeNotice("a")]).toEqual([true, true]);
});
