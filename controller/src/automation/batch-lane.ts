// A lane runs batches one after the other: while one transaction is under way, what arrives waits and forms the next.
// So a lone event is recorded at once, and a thousand agents that report together share a few commits.
// record-events.ts and store-output.ts each have one.

export interface LaneOptions<E, R> {
  /** A share of `maxWeight`: items, or bytes. */
  weigh(entry: E): number;
  /** A batch takes entries up to this, and always one. */
  maxWeight: number;
  /** One transaction for all entries; an Error in place of a result rejects that entry alone. */
  run(entries: E[]): Promise<(R | Error)[]>;
  /** True when one entry's content may have failed the whole batch: each is then tried alone. */
  isContentError(error: unknown): boolean;
}

export interface Lane<E, R> {
  push(entry: E): Promise<R>;
  /** Waits until nothing is under way. */
  idle(): Promise<void>;
}

interface Waiting<E, R> {
  entry: E;
  resolve(result: R): void;
  reject(error: unknown): void;
}

export function createLane<E, R>(options: LaneOptions<E, R>): Lane<E, R> {
  const waiting: Waiting<E, R>[] = [];
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.length > 0) await runBatch(options, takeBatch(waiting, options));
    running = undefined;
  }

  return {
    push(entry) {
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      waiting.push({ entry, resolve, reject });
      running ??= drain();
      return promise;
    },
    async idle() {
      while (running) await running;
    },
  };
}

function takeBatch<E, R>(waiting: Waiting<E, R>[], options: LaneOptions<E, R>): Waiting<E, R>[] {
  let weight = 0;
  let count = 0;
  while (count < waiting.length) {
    weight += options.weigh(waiting[count]!.entry);
    if (count > 0 && weight > options.maxWeight) break;
    count++;
  }
  return waiting.splice(0, count);
}

async function runBatch<E, R>(options: LaneOptions<E, R>, batch: Waiting<E, R>[]): Promise<void> {
  try {
    const results = await options.run(batch.map((w) => w.entry));
    batch.forEach((w, i) => {
      const result = results[i]!;
      if (result instanceof Error) w.reject(result);
      else w.resolve(result);
    });
  } catch (error) {
    if (batch.length > 1 && options.isContentError(error)) for (const w of batch) await runBatch(options, [w]);
    else for (const w of batch) w.reject(error);
  }
}
