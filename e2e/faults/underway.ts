// Work that was begun and is not over, whose first failure ends the test that began it. Called by the feeds of work and of
// workflows.
export class Underway {
  readonly #going = new Set<Promise<void>>();
  #failure: unknown;

  get size(): number {
    return this.#going.size;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  begin(work: Promise<void>): void {
    const going: Promise<void> = work
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => this.#going.delete(going));
    this.#going.add(going);
  }

  /** Resolves when all of it is over; throws what failed first. */
  async end(): Promise<void> {
    await Promise.all(this.#going);
    if (this.#failure !== undefined) throw this.#failure;
  }
}
