// Bounds on what streams keep in memory: one stream is not read while its own batches or all streams together hold too
// much. HTTP/2's flow control then stops the agent. Used by push-output.ts.

interface Readable {
  pause(): unknown;
  resume(): unknown;
}

/** Reading goes on only when nobody holds it. */
export class ReadGate {
  readonly #stream: Readable;
  readonly #held = new Set<string>();

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  hold(why: string): void {
    if (this.#held.size === 0) this.#stream.pause();
    this.#held.add(why);
  }

  release(why: string): void {
    if (this.#held.delete(why) && this.#held.size === 0) this.#stream.resume();
  }
}

export class MemoryBudget {
  readonly #mostBytes: number;
  #usedBytes = 0;
  readonly #held = new Set<ReadGate>();

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Returns the function that tells how much this stream holds now; 0 ends its part. */
  share(gate: ReadGate): (bytes: number) => void {
    let mine = 0;
    return (bytes) => {
      this.#usedBytes += bytes - mine;
      mine = bytes;
      if (this.#usedBytes > this.#mostBytes) this.#hold(gate);
      else if (this.#usedBytes <= this.#mostBytes / 2) this.#releaseAll();
    };
  }

  #hold(gate: ReadGate): void {
    gate.hold("memory");
    this.#held.add(gate);
  }

  #releaseAll(): void {
    const gates = [...this.#held];
    this.#held.clear();
    for (const gate of gates) gate.release("memory");
  }
}
