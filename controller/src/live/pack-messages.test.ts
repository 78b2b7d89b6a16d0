import type { LiveEvent } from "@opsconductor/contract/api/events";
import { expect, test } from "vitest";
import { packMessages } from "./pack-messages.ts";
import type { PeerMessage } from "./peers.ts";

const read = (payloads: readonly string[]) => payloads.flatMap((text) => JSON.parse(text).messages as PeerMessage[]);
const output = (storedBytes: number, stepId = "a"): LiveEvent => ({
  ...{ kind: "output", topic: "executions:1", executionId: "1", assignmentId: "2", targetName: "web", stepId },
  ...{ try: 1, storedBytes, storedLines: 1 },
});

test("every payload fits into a notification, and nothing is lost on the way", () => {
  const wake = Array.from({ length: 1000 }, (_, i) => `01999999-0000-7000-8000-${String(i).padStart(12, "0")}`);
  const steps = Array.from({ length: 500 }, (_, i) => ({ event: output(i, `é${i}`) }));
  const payloads = packMessages("me", [{ wake }, ...steps]);
  expect(Math.max(...payloads.map((text) => Buffer.byteLength(text)))).toBeLessThan(8000);
  const messages = read(payloads);
  expect(messages.flatMap((message) => message.wake ?? [])).toEqual(wake);
  expect(messages.flatMap(({ event }) => event ?? [])).toEqual(steps.map(({ event }) => event));
  expect(packMessages("me", [])).toEqual([]);
});

test("an agent is named once, and of the sizes of one output the newest is told", () => {
  const messages = read(
    packMessages("me", [{ wake: ["x"] }, { event: output(1) }, { wake: ["x"], desires: ["x"] }, { event: output(2) }]),
  );
  expect(messages).toEqual([{ wake: ["x"] }, { desires: ["x"] }, { event: output(2) }]);
});

test("an event that is too long becomes the word to ask again", () => {
  const long = { ...output(1), targetName: "é".repeat(4000) } as LiveEvent;
  expect(read(packMessages("me", [{ event: long }]))).toEqual([
    { event: { kind: "changed", topic: "executions:1", ids: [] } },
  ]);
});
