// Collects what arrives while the batches before it are being committed, so that a batch is as large as the load makes
// it. Commits are begun in order and may overlap: the work puts those of many streams into one transaction, and refuses
// what comes after a hole. Used for events and for output.

export interface BatchLimits {
  /** Largest batch handed to one commit. */
  maxBytes: number;
  maxItems: number;
  /** Commits under way at once. */
  maxCommits: number;
  /** `onPressure(true)` above this many waiting bytes or items, `onPressure(false)` once half of it is gone. */
  pauseBytes: number;
  pauseItems: number;
}

interface Item<T> {
  value: T;
  bytes: number;
}

export class Batches<T> {
  readonly #commit: (batch: T[]) => Promise<void>;
  readonly #limits: BatchLimits;
  readonly #onPressure: (pressed: boolean) => void;
  readonly #onError: (error: unknown) => void;
  #waiting: Item<T>[] = [];
  #waitingBytes = 0;
  #committingBytes = 0;
  #commits = 0;
  #started = false;
  #closed = false;
  #pressed = false;

  /** An error of `commit` is told once; nothing is committed after it, since order would be lost. */
  constructor(
    limits: BatchLimits,
    on: { commit(batch: T[]): Promise<void>; pressure(pressed: boolean): void; error(error: unknown): void },
  ) {
    this.#limits = limits;
    this.#commit = (batch) => on.commit(batch);
    this.#onPressure = (pressed) => on.pressure(pressed);
    this.#onError = (error) => on.error(error);
  }

  /** Waiting or being committed: memory that this stream takes. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#committingBytes;
  }

  push(value: T, bytes: number): void {
    if (this.#closed) return;
    this.#waiting.push({ value, bytes });
    this.#waitingBytes += bytes;
    this.#updatePressure();
    this.#run();
  }

  /** Nothing is committed before this: events that follow a hello wait until the resume has been told. */
  start(): void {
    this.#started = true;
    this.#run();
  }

  /** What waits is dropped: the agent keeps everything that was not acknowledged. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #run(): void {
    while (this.#started && !this.#closed && this.#waiting.length > 0 && this.#commits < this.#limits.maxCommits) {
      const { batch, bytes } = this.#take();
      this.#updatePressure();
      void this.#commitOne(batch, bytes);
    }
  }

  async #commitOne(batch: T[], bytes: number): Promise<void> {
    this.#commits += 1;
    this.#committingBytes += bytes;
    try {
      await this.#commit(batch);
    } catch (error) {
      const first = !this.#closed;
      this.close();
      if (first) this.#onError(error);
    } finally {
      this.#commits -= 1;
      this.#committingBytes -= bytes;
    }
    this.#run();
  }

  #take(): { batch: T[]; bytes: number } {
    const { maxBytes, maxItems } = this.#limits;
    let [count, bytes] = [0, 0];
    while (count < this.#waiting.length && count < maxItems) {
      const next = this.#waiting[count]!.bytes;
      if (count > 0 && bytes + next > maxBytes) break;
      bytes += next;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return { batch: this.#waiting.splice(0, count).map((item) => item.value), bytes };
  }

  #updatePressure(): void {
    const { pauseBytes, pauseItems } = this.#limits;
    const factor = this.#pressed ? 0.5 : 1;
    const pressed = this.#waitingBytes > pauseBytes * factor || this.#waiting.length > pauseItems * factor;
    if (pressed === this.#pressed) return;
    this.#pressed = pressed;
    this.#onPressure(pressed);
  }
}
