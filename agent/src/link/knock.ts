// Whether anybody answers at an address: a TCP connection that is made and dropped. Used by link.ts before it dials again.
//
// A dial into a network that drops everything waits for the kernel's retransmissions, 1, 2, 4, 8 s apart, and grpc-js
// gives no way to end it early: after a partition of ten seconds the way back took up to eight more. A knock is given up
// and done anew, so that the longest silence between two of them is two seconds.
import { connect, isIP } from "node:net";
import { parseAddress } from "./addresses.ts";

/** Three SYNs: at once, after 1 s and after 3 s. */
const answerWithinMs = 3_500;
/** A resolver whose first server is away takes its time; that is no sign of a lost path. */
const lookupWithinMs = 15_000;

/** Resolves once the other side has taken the connection. Rejects when it refused, or did not answer in time. */
export function knock(address: string, signal: AbortSignal, withinMs = answerWithinMs): Promise<void> {
  const { host, port } = parseAddress(address);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port, signal });
  const late = (ms: number) => setTimeout(() => reject(new Error(`${address} did not answer in ${ms / 1000} s`)), ms);
  let timer = late(isIP(host) === 0 ? lookupWithinMs : withinMs);
  socket.once("lookup", () => {
    clearTimeout(timer);
    timer = late(withinMs);
  });
  socket.once("connect", resolve);
  socket.on("error", reject);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
