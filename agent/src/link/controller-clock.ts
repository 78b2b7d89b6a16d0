// The controller's wall clock as this host can know it: what it last said, plus our own monotonic clock since. Offers are
// judged against it, never against this host's wall clock. One a session.

export class ControllerClock {
  #saidMs = 0;
  #atMs = 0;
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** At each welcome and heartbeat. The newest word counts: a host that slept has lost what it knew. */
  hear(controllerNowMs: number): void {
    this.#saidMs = controllerNowMs;
    this.#atMs = this.#monotonicMs();
  }

  nowMs(): number {
    return this.#saidMs + (this.#monotonicMs() - this.#atMs);
  }
}
