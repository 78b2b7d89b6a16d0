// How many attempts run at once; the rest waits accepted, first come first served. Two attempts of one assignment never
// run together: the newer waits for the older, which the controller may have given up as lost.

interface Waiter {
  assignmentId: string;
  grant: () => void;
}

export class Slots {
  readonly #limit: number;
  readonly #active = new Set<string>();
  readonly #waiting: Waiter[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** True: yours at once. Else a promise, and `leave` to stop waiting. */
  take(assignmentId: string): true | { granted: Promise<void>; leave: () => void } {
    if (this.#waiting.length === 0 && this.#isFree(assignmentId)) {
      this.#enter(assignmentId);
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { assignmentId, grant: resolve };
    this.#waiting.push(waiter);
    this.#grantNext();
    return { granted: promise, leave: () => this.#leave(waiter) };
  }

  release(assignmentId: string): void {
    this.#taken -= 1;
    this.#active.delete(assignmentId);
    this.#grantNext();
  }

  #isFree(assignmentId: string): boolean {
    return this.#taken < this.#limit && !this.#active.has(assignmentId);
  }

  #enter(assignmentId: string): void {
    this.#taken += 1;
    this.#active.add(assignmentId);
  }

  /** A grant that was on its way is given back. */
  #leave(waiter: Waiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at >= 0) this.#waiting.splice(at, 1);
    else this.release(waiter.assignmentId);
  }

  #grantNext(): void {
    for (const waiter of [...this.#waiting]) {
      if (!this.#isFree(waiter.assignmentId)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      this.#enter(waiter.assignmentId);
      waiter.grant();
    }
  }
}
