import { pino } from "pino";
import { expect, test } from "vitest";
import { Lifecycle, StopRequested } from "./lifecycle.ts";

function setup() {
  const life = new Lifecycle(pino({ level: "silent" }));
  const seen: string[] = [];
  const part = (name: string) =>
    life.start(
      name,
      () => void seen.push(`+${name}`),
      () => void seen.push(`-${name}`),
    );
  return { life, seen, part };
}

test("parts stop in the reverse order of their start", async () => {
  const { life, seen, part } = setup();
  for (const name of ["a", "b", "c"]) await part(name);
  life.requestStop("test");
  expect(await life.stop()).toBe(true);
  expect(seen).toEqual(["+a", "+b", "+c", "-c", "-b", "-a"]);
});

test("a stop in the middle of a start stops what had started, the part under way included", async () => {
  const { life, seen, part } = setup();
  await part("a");
  const slow = life.start(
    "slow",
    async () => {
      life.requestStop("SIGTERM");
      await Promise.resolve();
      seen.push("+slow");
    },
    () => void seen.push("-slow"),
  );
  await expect(slow).rejects.toThrow(StopRequested);
  await expect(part("never")).rejects.toThrow(StopRequested);
  await life.stop();
  expect(seen).toEqual(["+a", "+slow", "-slow", "-a"]);
});

test("a part that fails to stop does not keep the others from stopping, and is told", async () => {
  const { life, seen, part } = setup();
  await part("a");
  await life.start(
    "broken",
    () => {},
    () => Promise.reject(new Error("no")),
  );
  await part("c");
  expect(await life.stop()).toBe(false);
  expect(seen).toEqual(["+a", "+c", "-c", "-a"]);
});

test("a part whose start fails is not stopped, the ones before are", async () => {
  const { life, seen, part } = setup();
  await part("a");
  await expect(
    life.start(
      "b",
      () => Promise.reject(new Error("port taken")),
      () => void seen.push("-b"),
    ),
  ).rejects.toThrow("port taken");
  await life.stop();
  expect(seen).toEqual(["+a", "-a"]);
});

test("the signal aborts once a stop is asked for, before anything stops", async () => {
  const { life } = setup();
  const aborted: boolean[] = [];
  await life.start(
    "a",
    () => {},
    () => void aborted.push(life.signal.aborted),
  );
  expect(life.signal.aborted).toBe(false);
  setImmediate(() => life.requestStop("SIGINT"));
  await life.untilStopRequested();
  await life.stop();
  expect(aborted).toEqual([true]);
});
