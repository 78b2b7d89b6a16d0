// Refuses bodies that are too large, in a way that the sender hears why. Used by app.ts. Hono's own limit answers while
// the sender of a chunked body still writes, and keeps its hold on the body, so that nobody else can read the rest.
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import type { Http, HttpEnv } from "./router.ts";

/** More than any mistake; what is larger gets its connection cut. */
const maxDiscardedBytes = 64 * 1024 * 1024;
const maxDiscardMs = 5_000;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

export function limitBodies(maxBytesOf: (c: Http) => number): MiddlewareHandler<HttpEnv> {
  const refuse = async (c: Http, reader: Reader, maxBytes: number): Promise<never> => {
    // An answer while the sender still writes ends in a reset on its side before it reads the answer: let it finish.
    const finished = await discard(reader);
    // What goes on after that is of no further use, and the sender must know that.
    if (!finished) c.header("Connection", "close");
    throw new OcError("payload_too_large", `The body is larger than ${sizeOf(maxBytes)}, which is the limit here.`);
  };
  return async (c, next) => {
    const maxBytes = maxBytesOf(c);
    const announced = announcedBytes(c);
    if (announced !== undefined && announced <= maxBytes) return next();
    const reader = c.req.raw.body?.getReader();
    if (!reader) return next();
    const body = announced === undefined ? await readUpTo(reader, maxBytes) : undefined;
    if (body === undefined) return refuse(c, reader, maxBytes);
    c.req.raw = new Request(c.req.raw, { body });
    return next();
  };
}

const sizeOf = (bytes: number) => (bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`);

/** Node holds a sender to the length that it announced. Without a look at the body, which costs 0.2 ms. */
function announcedBytes(c: Http): number | undefined {
  const length = c.req.header("content-length");
  return length === undefined || c.req.header("transfer-encoding") !== undefined ? undefined : Number(length);
}

/** Undefined when there is more. */
async function readUpTo(reader: Reader, maxBytes: number): Promise<Buffer<ArrayBuffer> | undefined> {
  const pieces: Uint8Array[] = [];
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(pieces);
    bytes += value.length;
    if (bytes > maxBytes) return undefined;
    pieces.push(value);
  }
}

/** False when the body did not end within the limits. */
async function discard(reader: Reader): Promise<boolean> {
  const deadline = performance.now() + maxDiscardMs;
  for (let bytes = 0; bytes < maxDiscardedBytes && performance.now() < deadline; ) {
    const { done, value } = await reader.read();
    if (done) return true;
    bytes += value.length;
  }
  return false;
}
