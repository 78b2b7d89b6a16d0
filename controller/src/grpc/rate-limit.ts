// How often one address may call what is open to everybody: a token bucket each, forgotten when it is full again.
// Used by enrollment-service.ts.
import { networkOf } from "../network-of.ts";

export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  /** More addresses than this at once means an attack on the table itself: strangers then share one bucket. */
  readonly #mostAddresses = 50_000;

  constructor(limits: { burst: number; perSecond: number }) {
    this.#burst = limits.burst;
    this.#perSecond = limits.perSecond;
  }

  /** False when `address` called too often. */
  take(address: string, nowMs: number): boolean {
    const key = this.#keyOf(address, nowMs);
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, atMs: nowMs };
    const tokens = Math.min(this.#burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * this.#perSecond);
    this.#buckets.set(key, { tokens: Math.max(0, tokens - 1), atMs: nowMs });
    return tokens >= 1;
  }

  #keyOf(address: string, nowMs: number): string {
    const key = networkOf(address);
    if (this.#buckets.has(key) || this.#buckets.size < this.#mostAddresses) return key;
    this.#forgetFull(nowMs);
    return this.#buckets.size < this.#mostAddresses ? key : "others";
  }

  #forgetFull(nowMs: number): void {
    for (const [key, { tokens, atMs }] of this.#buckets)
      if (tokens + ((nowMs - atMs) / 1000) * this.#perSecond >= this.#burst) this.#buckets.delete(key);
  }
}
