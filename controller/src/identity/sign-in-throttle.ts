// Slows down password guessing without letting a stranger lock somebody out: failures are counted per account and
// address together, per address, and per account only for addresses the account never signed in from.
import { OcError } from "@opsconductor/contract/errors";
import { networkOf } from "../network-of.ts";

const windowMs = 10 * 60_000;
const limits = { pair: 8, address: 40, account: 100 } as const;
/** Beyond this many keys the oldest are forgotten: an attacker with many addresses must not fill the memory. */
const maxKeys = 50_000;

export class SignInThrottle {
  private readonly failures = new Map<string, number[]>();
  /** The newest attempt under way of each address. */
  private readonly turns = new Map<string, Promise<void>>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /**
   * Attempts from one address are judged one after the other: of a thousand that arrive at once, those after the limit
   * find the failures before them counted. `attempt` calls check, verifies, and tells the outcome.
   */
  async inTurn<T>(address: string, attempt: () => Promise<T>): Promise<T> {
    const key = networkOf(address);
    const before = this.turns.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.turns.set(key, promise);
    try {
      await before;
      return await attempt();
    } finally {
      resolve();
      if (this.turns.get(key) === promise) this.turns.delete(key);
    }
  }

  /** Throws `rate_limited` when this attempt has to wait. `known`: the account signed in from this address before. */
  check(account: string, address: string, known: boolean): void {
    const waits = [
      this.waitMs(pairKey(account, address), limits.pair),
      this.waitMs(addressKey(address), limits.address),
      known ? 0 : this.waitMs(accountKey(account), limits.account),
    ];
    const wait = Math.max(...waits);
    if (wait === 0) return;
    const seconds = Math.ceil(wait / 1000);
    const text = `Too many failed sign-ins. Try again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}.`;
    throw new OcError("rate_limited", text, { retryAfterSeconds: seconds });
  }

  failed(account: string, address: string): void {
    for (const key of [pairKey(account, address), addressKey(address), accountKey(account)]) {
      const times = this.recent(key);
      times.push(this.now());
      this.failures.delete(key);
      this.failures.set(key, times.slice(-limits.account));
    }
    for (const key of this.failures.keys()) {
      if (this.failures.size <= maxKeys) break;
      this.failures.delete(key);
    }
  }

  succeeded(account: string, address: string): void {
    this.failures.delete(pairKey(account, address));
  }

  private recent(key: string): number[] {
    const since = this.now() - windowMs;
    return (this.failures.get(key) ?? []).filter((t) => t > since);
  }

  private waitMs(key: string, limit: number): number {
    const times = this.recent(key);
    const oldest = times.at(-limit);
    return oldest === undefined ? 0 : oldest + windowMs - this.now();
  }
}

const accountKey = (account: string) => `account ${account.toLowerCase()}`;
const addressKey = (address: string) => `address ${networkOf(address)}`;
const pairKey = (account: string, address: string) => `${accountKey(account)} ${networkOf(address)}`;
