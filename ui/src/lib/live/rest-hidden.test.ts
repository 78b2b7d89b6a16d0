// Tabs of one browser: which of them rest. Documents and Web Locks are stand-ins.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { restHidden } from "./rest-hidden.ts";

/** Web Locks of one name: one holder, the others in turn. */
class Locks {
  #held = false;
  readonly #queue: (() => void)[] = [];

  async request(_: string, { signal }: { signal: AbortSignal }, use: () => Promise<void>): Promise<void> {
    if (this.#held)
      await new Promise<void>((resolve, reject) => {
        this.#queue.push(resolve);
        signal.addEventListener("abort", () => {
          this.#queue.splice(this.#queue.indexOf(resolve), 1);
          reject(signal.reason);
        });
      });
    this.#held = true;
    await use();
    this.#held = false;
    this.#queue.shift()?.();
  }
}

interface Tab {
  streams: boolean;
  show(): Promise<void>;
  hide(): Promise<void>;
  leave(): Promise<void>;
}

function openTab(visibilityState: "visible" | "hidden" = "visible"): Tab {
  const document = Object.assign(new EventTarget(), { visibilityState });
  const window = new EventTarget();
  vi.stubGlobal("document", document);
  vi.stubGlobal("window", window);
  const turn = async (state: "visible" | "hidden") => {
    vi.stubGlobal("document", document);
    document.visibilityState = state;
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(1000);
  };
  const tab: Tab = {
    streams: true,
    show: () => turn("visible"),
    hide: () => turn("hidden"),
    leave: async () => void window.dispatchEvent(new Event("pagehide")),
  };
  restHidden({ rest: () => (tab.streams = false), wake: () => (tab.streams = true) });
  return tab;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("of the hidden tabs the first keeps its stream, and the next takes over when it is shown", async () => {
  vi.stubGlobal("navigator", { locks: new Locks() });
  const tabs = [openTab(), openTab(), openTab()] as const;
  const streaming = () => tabs.map(({ streams }) => streams);
  for (const tab of tabs) await tab.hide();
  expect(streaming()).toEqual([true, false, false]);
  await tabs[2].show();
  expect(streaming()).toEqual([true, false, true]);
  await tabs[0].show();
  expect(streaming()).toEqual([true, true, true]);
  await tabs[2].hide();
  expect(streaming()).toEqual([true, true, false]);
});

test("without locks every hidden tab rests, one opened in the background, too", async () => {
  vi.stubGlobal("navigator", {});
  const tab = openTab("hidden");
  await vi.advanceTimersByTimeAsync(1000);
  expect(tab.streams).toBe(false);
  await tab.show();
  expect(tab.streams).toBe(true);
});

test("a page that is left gives its connection back at once", async () => {
  vi.stubGlobal("navigator", { locks: new Locks() });
  const tab = openTab();
  await tab.leave();
  expect(tab.streams).toBe(false);
});
