import { createServer } from "node:net";
import { expect, test } from "vitest";
import { knock } from "./knock.ts";
import { silentAddress } from "./testing/silent-address.ts";

const never = new AbortController().signal;

test("whoever takes the connection answers, and is left at once", async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer((socket) => socket.resume().once("close", closed.resolve)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await knock(`127.0.0.1:${port}`, never);
  await closed.promise;
  server.close();
  await expect(knock(`127.0.0.1:${port}`, never)).rejects.toThrow("ECONNREFUSED");
});

test.runIf(process.platform === "linux")("an address that drops everything is given up in time", async () => {
  const silent = await silentAddress();
  const startedAt = performance.now();
  await expect(knock(`127.0.0.1:${silent.port}`, never, 300)).rejects.toThrow("did not answer in 0.3 s");
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  const stopped = new AbortController();
  const knocking = knock(`127.0.0.1:${silent.port}`, stopped.signal);
  stopped.abort();
  await expect(knocking).rejects.toThrow("aborted");
  silent.close();
});
