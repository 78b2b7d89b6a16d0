// The tab's one event stream: pages subscribe to topics, the stream asks the controller for their union, resumes by
// Last-Event-ID after a cut, and says when it is not connected, so that nobody trusts old figures.
// A hidden tab rests, see rest-hidden.ts.
import { session } from "../api/session.svelte.ts";
import type { LiveEvent } from "../api/types.ts";
import { SseParser } from "./sse-parser.ts";

export type LiveStatus = "idle" | "connecting" | "live" | "offline";
export type LiveListener = { onEvent?: (event: LiveEvent) => void; onReset?: () => void };

/** The controller answers and does not give these topics: no outage, and asking again would not help. */
class RefusedTopics extends Error {}

interface Subscription extends LiveListener {
  topics: readonly string[];
}

/** Comment lines come every 15 s; three missed mean a dead connection. */
const silenceMs = 45_000;
/** Somebody looks at the page: the end of an outage should show within about a second. */
const backoffMs = [500, 1000, 1500];
/** Nobody looks at a hidden tab; it tries at once when it is shown. */
const hiddenBackoffMs = 15_000;
/** Longer without an answer means that packets are lost: a new connection is quicker than the old one's patience. */
const answerMs = 8000;

class LiveStream {
  status = $state<LiveStatus>("idle");
  /** When the last byte came: what "last updated" shows while offline. */
  lastHeardMs = $state(0);

  readonly #subscriptions = new Set<Subscription>();
  #lastEventId: string | undefined;
  #current: { abort: AbortController; topics: string } | undefined;
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #planned = false;
  #resting = false;

  constructor() {
    if (typeof window === "undefined") return;
    window.addEventListener("online", () => this.#retryNow());
    void import("./rest-hidden.ts").then(({ restHidden }) => restHidden(this));
  }

  /** Until `wake`: this tab leaves its connection to others. */
  rest(): void {
    this.#resting = true;
    this.#close();
    this.#failures = 1; // what comes meanwhile is missed
    this.status = "idle";
  }

  wake(): void {
    this.#retryNow();
    if (!this.#resting) return;
    this.#resting = false;
    this.#plan();
  }

  /** Events of `topics` until the returned function is called. Topic changes within a tick make one reconnect. */
  subscribe(topics: readonly string[], listener: LiveListener): () => void {
    const subscription = { topics, ...listener };
    this.#subscriptions.add(subscription);
    this.#plan();
    return () => {
      this.#subscriptions.delete(subscription);
      this.#plan();
    };
  }

  /** After sign-out: forget the position, it belongs to somebody else's stream. */
  stop(): void {
    this.#close();
    this.#lastEventId = undefined;
    this.#failures = 0;
    this.status = "idle";
  }

  #wanted(): string {
    const topics = new Set<string>();
    for (const subscription of this.#subscriptions) for (const topic of subscription.topics) topics.add(topic);
    return [...topics].sort().join(",");
  }

  // A page that leaves and one that comes change the union twice in one navigation: wait for both.
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setTimeout(() => {
      this.#planned = false;
      const wanted = this.#wanted();
      if (this.#current?.topics === wanted) return;
      if (wanted !== "" && this.#retryTimer !== undefined) return;
      this.#close();
      if (wanted === "" || !session.user || this.#resting) this.status = "idle";
      else void this.#run(wanted);
    }, 50);
  }

  #close(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    const current = this.#current;
    this.#current = undefined;
    current?.abort.abort();
  }

  #retryNow(): void {
    if (this.#retryTimer === undefined) return;
    this.#close();
    void this.#run(this.#wanted());
  }

  async #run(topics: string): Promise<void> {
    const run = { abort: new AbortController(), topics };
    this.#current = run;
    this.#retryTimer = undefined;
    if (this.status === "idle") this.status = "connecting";
    try {
      await this.#read(topics, run.abort);
    } catch (error) {
      if (error instanceof RefusedTopics && this.#current === run) {
        this.status = "idle"; // #current stays: only other topics are worth another request
        return;
      }
      if (this.#current === run) console.debug("live stream cut", error);
    }
    if (this.#current !== run) return;
    this.#current = undefined;
    if (!session.user) return this.stop();
    this.status = "offline";
    this.#failures += 1;
    const waitMs = globalThis.document?.hidden
      ? hiddenBackoffMs
      : (backoffMs[this.#failures - 1] ?? backoffMs.at(-1) ?? 0);
    // Jitter, so that all tabs of a team do not come back in the same instant.
    this.#retryTimer = setTimeout(() => void this.#run(this.#wanted()), waitMs * (0.75 + Math.random() / 2));
  }

  async #read(topics: string, abort: AbortController): Promise<void> {
    const patience = setTimeout(() => abort.abort(), answerMs);
    const response = await this.#open(topics, abort.signal).finally(() => clearTimeout(patience));
    if (response.status === 400 || response.status === 403) throw new RefusedTopics();
    if (!response.ok || !response.body) throw new Error(`events answered ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new SseParser();
    // Without a position to resume from, what happened during the cut is unknown: read again.
    if (this.#failures > 0 && this.#lastEventId === undefined) this.#reset();
    this.#heard();
    this.#failures = 0;
    this.status = "live";
    const watchdog = setInterval(() => {
      if (Date.now() - this.lastHeardMs > silenceMs) abort.abort();
    }, 5000);
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        this.#heard();
        for (const message of parser.push(value)) this.#deliver(message.id, message.event, message.data);
      }
    } finally {
      clearInterval(watchdog);
    }
  }

  async #open(topics: string, signal: AbortSignal): Promise<Response> {
    const token = await session.tokens.token();
    const response = await this.#get(topics, token, signal);
    if (response.status !== 401) return response;
    return this.#get(topics, await session.tokens.refresh(token), signal);
  }

  #get(topics: string, token: string | undefined, signal: AbortSignal): Promise<Response> {
    const headers = new Headers({ accept: "text/event-stream" });
    if (token) headers.set("authorization", `Bearer ${token}`);
    if (this.#lastEventId) headers.set("last-event-id", this.#lastEventId);
    return fetch(`/api/v1/events?topics=${encodeURIComponent(topics)}`, { headers, signal, cache: "no-store" });
  }

  #reset(): void {
    for (const subscription of this.#subscriptions) subscription.onReset?.();
  }

  #heard(): void {
    this.lastHeardMs = Date.now();
  }

  #deliver(id: string | undefined, event: string, data: string): void {
    if (id !== undefined) this.#lastEventId = id;
    if (event === "reset") {
      this.#reset();
      return;
    }
    if (event !== "message") return;
    const parsed = JSON.parse(data) as LiveEvent;
    for (const subscription of this.#subscriptions) {
      if (subscription.topics.includes(parsed.topic)) subscription.onEvent?.(parsed);
    }
  }
}

export const liveStream = new LiveStream();
