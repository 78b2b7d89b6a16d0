// Collects what arrives while the batch before it is being committed: one commit at a time per stream, as large as the
// load makes it. Used for events and for output.

export interface BatchLimits {
  /** Largest batch handed to one commit. */
  maxBytes: number;
  maxItems: number;
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
  #started = false;
  #busy = false;
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

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  push(value: T, bytes: number): void {
    if (this.#closed) return;
    this.#waiting.push({ value, bytes });
    this.#waitingBytes += bytes;
    this.#updatePressure();
    void this.#run();
  }

  /** Nothing is committed before this: events that follow a hello wait until the resume has been told. */
  start(): void {
    this.#started = true;
    void this.#run();
  }

  /** What waits is dropped: the agent keeps everything that was not acknowledged. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async #run(): Promise<void> {
    if (!this.#started || this.#busy) return;
    this.#busy = true;
    try {
      while (!this.#closed && this.#waiting.length > 0) {
        const batch = this.#take();
        this.#updatePressure();
        await this.#commit(batch);
      }
    } catch (error) {
      this.close();
      this.#onError(error);
    } finally {
      this.#busy = false;
    }
  }

  #take(): T[] {
    const { maxBytes, maxItems } = this.#limits;
    let [count, bytes] = [0, 0];
    while (count < this.#waiting.length && count < maxItems) {
      const next = this.#waiting[count]!.bytes;
      if (count > 0 && bytes + next > maxBytes) break;
      bytes += next;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count).map((item) => item.value);
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
