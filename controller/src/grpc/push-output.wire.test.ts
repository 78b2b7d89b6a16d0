// The stream of output beside the stream of events.
import { status } from "@grpc/grpc-js";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StaleSession } from "../fleet/agent-link.ts";
import { connectFakeAgent, enrollFakeAgent } from "./testing/fake-agent.ts";
import { startTestController, type TestController } from "./testing/test-controller.ts";

let c: TestController;
beforeAll(async () => {
  c = await startTestController();
});
afterAll(() => c.close());

const assignmentId = "01999999-0000-7000-8000-000000000001";
let fences = 100n;
const newFence = () => ++fences;

test("output is stored once, acknowledged after the commit and resumed after a cut", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const fence = newFence();
  const key = `${fence}/s/1`;
  const chunk = (offset: number, data: string) => ({
    body: {
      $case: "chunk" as const,
      value: { assignmentId, attempt: 1, fence, stepId: "s", try: 1, offset: BigInt(offset), data: Buffer.from(data) },
    },
  });
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
  out.call.write(chunk(0, "hello "));
  await until("acknowledged", () => out.replies.length === 1);
  out.call.write(chunk(20, "too far"));
  await until("a rewind", () => out.replies.length === 2);
  expect(out.replies[1]!.body).toEqual({ $case: "rewind", value: { fence, stepId: "s", try: 1, offset: 6n } });
  stream.close();
  const again = await connectFakeAgent(c, id);
  const resumed = again.output();
  resumed.call.write({ body: { $case: "hello", value: { sessionEpoch: 2n } } });
  resumed.call.write(chunk(3, "lo world"));
  await until("all of it", () => c.work.outputOf(key).toString() === "hello world");
  again.close();
});

test("output of another session's epoch is refused", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 99n } } });
  const error = await until("refused", () => out.error() as { code: number } | undefined);
  expect(error.code).toBe(status.FAILED_PRECONDITION);
  stream.close();
});

test("output beyond what is committed stops being read, and all of it arrives in its time", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  let open = () => {};
  c.work.gate = new Promise((resolve) => (open = resolve));
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
  const fence = newFence();
  const data = Buffer.alloc(64 * 1024);
  const write = (i: number) =>
    out.call.write({
      body: {
        $case: "chunk",
        value: { assignmentId, attempt: 1, fence, stepId: "s", try: 1, offset: BigInt(i * data.length), data },
      },
    });
  for (let i = 0; i < 400; i++) write(i); // 25 MiB against a credit of 4
  await until("a commit is held", () => c.work.storing > 0);
  let [last, same] = [-1, 0];
  await until("nothing moves any more", () => {
    same = out.call.writableLength === last ? same + 1 : 0;
    last = out.call.writableLength;
    return same >= 20;
  });
  expect(out.call.writableLength).toBeGreaterThan(250); // flow control holds it back at the sender
  open();
  await until("all of it arrived in its time", () => c.work.outputLength(`${fence}/s/1`) === 400 * data.length);
  expect(out.error()).toBeUndefined();
  stream.close();
});

test("a stale session of the work closes both streams", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
  c.work.failNext = new StaleSession("over");
  const value = {
    assignmentId,
    attempt: 1,
    fence: newFence(),
    stepId: "s",
    try: 1,
    offset: 0n,
    data: Buffer.from("x"),
  };
  out.call.write({ body: { $case: "chunk", value } });
  expect((await stream.next("goodbye")).code).toBe("superseded");
  await until("refused", () => out.error());
  stream.close();
});
