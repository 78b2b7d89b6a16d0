// The proxy that cuts commits, in a thread of its own: what the test does meanwhile, waiting for a child to end included,
// must not hold up the controller's database. Called by ambiguous.ts; the lower half is what runs in the thread.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { startPostgresProxy } from "@opsconductor/database/testing/postgres-proxy";
import { CommitCutter, type CutCounts, countsOf } from "./commit-cutter.ts";
import { createRandom } from "./random.ts";

export interface CuttingProxy {
  port: number;
  counts(): CutCounts;
  /** Nothing is cut before the first call. */
  arm(armed: boolean): void;
  close(): Promise<void>;
}

interface Start {
  socket: string;
  seed: string;
  share: number;
  shared: SharedArrayBuffer;
}

export async function startCuttingProxy(options: Omit<Start, "shared">): Promise<CuttingProxy> {
  const shared = new SharedArrayBuffer(16);
  const state = new Int32Array(shared);
  const worker = new Worker(new URL(import.meta.url), { workerData: { ...options, shared } satisfies Start });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return {
    port,
    counts: () => countsOf(state),
    arm: (armed) => void Atomics.store(state, 0, armed ? 1 : 0),
    close: async () => void (await worker.terminate()),
  };
}

if (!isMainThread && isStart(workerData)) {
  const { socket, seed, share, shared } = workerData;
  const cutter = new CommitCutter(createRandom(seed), share, new Int32Array(shared));
  const proxy = await startPostgresProxy({ upstream: { path: socket }, decide: (message) => cutter.decide(message) });
  parentPort!.postMessage(proxy.port);
}

/** Test runners have threads of their own, with other data. */
function isStart(data: unknown): data is Start {
  return (data as Start | undefined)?.shared instanceof SharedArrayBuffer;
}
