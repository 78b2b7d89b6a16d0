// Refuses bodies that are too large, in a way that the sender hears why. Used by app.ts.
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Http, HttpEnv } from "./router.ts";

/** More than any mistake; what is larger gets its connection cut. */
const maxDiscardedBytes = 64 * 1024 * 1024;
const maxDiscardMs = 5_000;

export function limitBodies(maxBytes: number): MiddlewareHandler<HttpEnv> {
  const refuse = async (c: Http): Promise<never> => {
    // An answer while the sender still writes ends in a reset on its side before it reads the answer: let it finish.
    const { body } = c.req.raw;
    const finished = body !== null && !body.locked && (await discard(body));
    // A chunked body says nothing of its end: the connection is of no further use, and the sender must know that.
    if (!finished) c.header("Connection", "close");
    throw new OcError("payload_too_large", `The body is larger than ${maxBytes} bytes, which is the limit.`);
  };
  const limit = bodyLimit({ maxSize: maxBytes, onError: refuse as (c: unknown) => Promise<never> });
  return (c, next) => (saysFewerBytes(c, maxBytes) ? next() : limit(c as never, next));
}

/** Node holds a sender to the length that it announced. Without a look at the body, which costs 0.2 ms. */
function saysFewerBytes(c: Http, maxBytes: number): boolean {
  const length = c.req.header("content-length");
  return length !== undefined && c.req.header("transfer-encoding") === undefined && Number(length) <= maxBytes;
}

/** False when the body did not end within the limits. */
async function discard(body: ReadableStream<Uint8Array>): Promise<boolean> {
  const deadline = performance.now() + maxDiscardMs;
  const reader = body.getReader();
  for (let bytes = 0; bytes < maxDiscardedBytes && performance.now() < deadline; ) {
    const { done, value } = await reader.read();
    if (done) return true;
    bytes += value.length;
  }
  return false;
}
