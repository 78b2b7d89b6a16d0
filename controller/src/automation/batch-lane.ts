// A lane runs batches one after the other: while one transaction is under way, what arrives waits and forms the next. So
// a thousand agents that report together share a few commits. What is not urgent waits a moment for company even when
// the lane is free: a step that lasts 5 ms is then recorded from its acceptance to its end in one commit, not in three.
// agent-work.ts has one lane for events and one for bulk output.

export interface LaneOptions<E, R> {
  weigh(entry: E): number;
  /** A batch takes entries up to this, and always one. */
  maxWeight: number;
  /** Waiting entries of this weight go at once. */
  fullWeight: number;
  /** How long an entry that is not urgent waits for company at most; 0: never. */
  lingerMs: number;
  /** Asked when the entry arrives and when the lane becomes free. */
  isUrgent(entry: E): boolean;
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
  weight: number;
  resolve(result: R): void;
  reject(error: unknown): void;
}

export function createLane<E, R>(options: LaneOptions<E, R>): Lane<E, R> {
  return new BatchLane(options);
}

class BatchLane<E, R> implements Lane<E, R> {
  private readonly options: LaneOptions<E, R>;
  private readonly waiting: Waiting<E, R>[] = [];
  private weight = 0;
  private running: Promise<void> | undefined;
  /** Ends the wait for company. */
  private go: (() => void) | undefined;

  constructor(options: LaneOptions<E, R>) {
    this.options = options;
  }

  push(entry: E): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const weight = this.options.weigh(entry);
    this.waiting.push({ entry, weight, resolve, reject });
    this.weight += weight;
    this.running ??= this.drain();
    if (this.go && (this.weight >= this.options.fullWeight || this.options.isUrgent(entry))) this.go();
    return promise;
  }

  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async drain(): Promise<void> {
    // The end of a step and its output arrive in one turn, on two streams: one commit for both halves their time.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      if (!this.mustGo()) await this.linger();
      await this.runBatch(this.take());
    }
    this.running = undefined;
  }

  private mustGo(): boolean {
    const { lingerMs, fullWeight, isUrgent } = this.options;
    return lingerMs === 0 || this.weight >= fullWeight || this.waiting.some((w) => isUrgent(w.entry));
  }

  private async linger(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.options.lingerMs);
    this.go = resolve;
    await promise;
    this.go = undefined;
    clearTimeout(timer);
  }

  private take(): Waiting<E, R>[] {
    let weight = 0;
    let count = 0;
    while (count < this.waiting.length) {
      const next = this.waiting[count]!.weight;
      if (count > 0 && weight + next > this.options.maxWeight) break;
      weight += next;
      count++;
    }
    this.weight -= weight;
    return this.waiting.splice(0, count);
  }

  private async runBatch(batch: Waiting<E, R>[]): Promise<void> {
    try {
      const results = await this.options.run(batch.map((w) => w.entry));
      batch.forEach((w, i) => {
        const result = results[i]!;
        if (result instanceof Error) w.reject(result);
        else w.resolve(result);
      });
    } catch (error) {
      if (batch.length > 1 && this.options.isContentError(error)) for (const w of batch) await this.runBatch([w]);
      else for (const w of batch) w.reject(error);
    }
  }
}
