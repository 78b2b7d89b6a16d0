// Pushes the output of all tries within the controller's credit, a chunk of each in turn, and again from wherever the
// controller asks. Owned by session.ts; opens its stream when there is something to send.
import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { OutputMessage, OutputReply } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { fromChunk } from "./convert.ts";
import type { Host, OutputSource } from "./host.ts";

export type OutputStream = ClientDuplexStream<OutputMessage, OutputReply>;

const chunkBytes = 64 * 1024;
const firstWaitMs = 20;
const mostWaitMs = 2_000;

interface Progress {
  sent: bigint;
  acked: bigint;
  /** After a rewind: the controller may not know of the try yet, so we ask again a little later. */
  waitMs: number;
  notBeforeMs: number;
}

export interface Credit {
  totalBytes: bigint;
  perTryBytes: bigint;
}

export class OutputSender {
  readonly #host: Host;
  readonly #open: () => OutputStream;
  readonly #epoch: bigint;
  readonly #credit: Credit;
  readonly #fail: (reason: string) => void;
  readonly #progress = new Map<string, Progress>();
  #stream: OutputStream | undefined;
  #running = false;
  #again = false;
  #closed = false;
  #turn = 0;

  constructor(
    host: Host,
    session: { epoch: bigint; credit: Credit },
    open: () => OutputStream,
    fail: (reason: string) => void,
  ) {
    this.#host = host;
    this.#epoch = session.epoch;
    this.#credit = session.credit;
    this.#open = open;
    this.#fail = fail;
  }

  /** Sends what credit allows. Calls while it runs make it look again. */
  pump(): void {
    this.#again = true;
    if (!this.#running && !this.#closed) void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#stream?.cancel();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        while (await this.#sendRound());
      }
    } catch (error) {
      this.#fail(`Output cannot be read: ${(error as Error).message}`);
    } finally {
      this.#running = false;
    }
  }

  /** One chunk of every try that may send; false when none could. */
  async #sendRound(): Promise<boolean> {
    const sources = this.#host.outputSources();
    this.#forgetGone(sources);
    let sent = false;
    for (let i = 0; i < sources.length && !this.#closed; i++) {
      const source = sources[(i + this.#turn) % sources.length]!;
      if (await this.#sendChunk(source)) sent = true;
    }
    this.#turn += 1;
    return sent && !this.#closed;
  }

  async #sendChunk(source: OutputSource): Promise<boolean> {
    const progress = this.#progressOf(source);
    const allowed = this.#allowedBytes(source, progress);
    if (allowed <= 0 || progress.notBeforeMs > performance.now()) return false;
    const offset = progress.sent;
    const data = await this.#host.readOutput(source, offset, allowed);
    if (data.length === 0 || this.#closed || progress.sent !== offset) return false; // rewound while we read
    progress.sent += BigInt(data.length);
    await this.#write(fromChunk(source, offset, data));
    return true;
  }

  #allowedBytes(source: OutputSource, progress: Progress): number {
    const available = source.availableBytes - progress.sent;
    const ofTry = this.#credit.perTryBytes - (progress.sent - progress.acked);
    const ofAll = this.#credit.totalBytes - this.#unacknowledged();
    const least = [available, ofTry, ofAll, BigInt(chunkBytes)].reduce((a, b) => (a < b ? a : b));
    return Number(least);
  }

  #unacknowledged(): bigint {
    let sum = 0n;
    for (const { sent, acked } of this.#progress.values()) sum += sent - acked;
    return sum;
  }

  async #write(message: OutputMessage): Promise<void> {
    this.#stream ??= this.#start();
    const stream = this.#stream;
    if (stream.write(message)) return;
    await new Promise<void>((resolve) => {
      stream.once("drain", resolve);
      stream.once("close", resolve);
    });
  }

  #start(): OutputStream {
    const stream = this.#open();
    stream.on("data", (reply: OutputReply) => this.#receive(reply));
    stream.on("error", (error) => this.#closed || this.#fail(`Output stream: ${error.message}`));
    stream.on("end", () => this.#closed || this.#fail("The controller ended the output stream"));
    stream.write({ body: { $case: "hello", value: { sessionEpoch: this.#epoch } } });
    return stream;
  }

  #receive({ body }: OutputReply): void {
    if (!body || this.#closed) return;
    const { fence, stepId, try: tryNumber } = body.value;
    const progress = this.#progress.get(keyOf(fence, stepId, tryNumber));
    if (body.$case === "ack") {
      this.#host.acknowledgeOutput(fence, stepId, tryNumber, body.value.storedBytes);
      if (progress) this.#advance(progress, body.value.storedBytes);
    } else if (progress) this.#rewind(progress, body.value.offset);
    this.pump();
  }

  #advance(progress: Progress, storedBytes: bigint): void {
    if (storedBytes > progress.acked) Object.assign(progress, { acked: storedBytes, waitMs: firstWaitMs });
    if (progress.sent < progress.acked) progress.sent = progress.acked;
  }

  #rewind(progress: Progress, offset: bigint): void {
    progress.sent = offset;
    if (progress.acked > offset) progress.acked = offset;
    progress.notBeforeMs = performance.now() + progress.waitMs;
    setTimeout(() => this.pump(), progress.waitMs + 1).unref();
    progress.waitMs = Math.min(mostWaitMs, progress.waitMs * 2);
  }

  #progressOf(source: OutputSource): Progress {
    const key = keyOf(source.fence, source.stepId, source.try);
    const known = this.#progress.get(key);
    if (known) return known;
    const { ackedBytes } = source;
    const fresh = { sent: ackedBytes, acked: ackedBytes, waitMs: firstWaitMs, notBeforeMs: 0 };
    this.#progress.set(key, fresh);
    return fresh;
  }

  #forgetGone(sources: readonly OutputSource[]): void {
    if (this.#progress.size <= sources.length) return;
    const present = new Set(sources.map((s) => keyOf(s.fence, s.stepId, s.try)));
    for (const key of this.#progress.keys()) if (!present.has(key)) this.#progress.delete(key);
  }
}

function keyOf(fence: bigint, stepId: string, tryNumber: number): string {
  return `${fence}/${stepId}/${tryNumber}`;
}
