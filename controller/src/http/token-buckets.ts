// How many requests one caller may send: a bucket each, which fills with time and empties with requests. Used by
// limit-rates.ts.

export interface Rate {
  perSecond: number;
  /** How many may come at once. */
  burst: number;
}

/** Beyond this many callers those who are quiet the longest are forgotten: a flood must not fill the memory. */
const maxKeys = 50_000;

export class TokenBuckets {
  private readonly levels = new Map<string, { tokens: number; at: number }>();
  private readonly rate: Rate;
  private readonly nowMs: () => number;

  constructor(rate: Rate, nowMs: () => number) {
    this.rate = rate;
    this.nowMs = nowMs;
  }

  /** 0 when the request may pass; otherwise the whole seconds until one may again. */
  take(key: string): number {
    const { perSecond, burst } = this.rate;
    const now = this.nowMs();
    const level = this.levels.get(key);
    const tokens = level ? Math.min(burst, level.tokens + ((now - level.at) / 1000) * perSecond) : burst;
    // Written anew each time, so that the order of the map is the order of use.
    this.levels.delete(key);
    this.levels.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.levels.size > maxKeys) this.levels.delete(this.levels.keys().next().value!);
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  }
}
