// Starts the parts of the program in order and stops them in reverse, whenever the stop is asked for: before, after or
// in the middle of a start. Used by main.ts only.
import type { Logger } from "pino";
import type { StopKind } from "./service.ts";

/** A supervisor kills after 30 s or more (systemd 90 s): what takes longer than this is left to the next start. */
const stopDeadlineMs = 25_000;

export class StopRequested extends Error {
  override readonly name = "StopRequested";
}

interface Part {
  name: string;
  stop: (kind: StopKind) => Promise<void> | void;
}

export class Lifecycle {
  private readonly log: Logger;
  private readonly parts: Part[] = [];
  private readonly stopping = new AbortController();

  constructor(log: Logger) {
    this.log = log;
  }

  /** Aborted as soon as a stop is asked for: loops end, waits reject. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  requestStop(reason: string): void {
    if (this.signal.aborted) return;
    this.log.info({ reason }, "controller.stopping");
    this.stopping.abort(new StopRequested(reason));
  }

  /** Throws `StopRequested` when a stop was asked for meanwhile; what had started is stopped like everything else. */
  async start<T>(
    name: string,
    start: () => Promise<T> | T,
    stop: (started: T, kind: StopKind) => Promise<void> | void = () => {},
  ): Promise<T> {
    this.signal.throwIfAborted();
    const began = performance.now();
    const started = await start();
    this.parts.push({ name, stop: (kind) => stop(started, kind) });
    this.log.debug({ part: name, ms: Math.round(performance.now() - began) }, "controller.part_started");
    this.signal.throwIfAborted();
    return started;
  }

  async untilStopRequested(): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise((resolve) => this.signal.addEventListener("abort", resolve, { once: true }));
  }

  /** Never throws. False when a part failed to stop or did not stop in time. */
  async stop(kind: StopKind = "for good"): Promise<boolean> {
    this.requestStop("start failed");
    const deadline = performance.now() + stopDeadlineMs;
    let clean = true;
    for (const part of this.parts.splice(0).reverse()) {
      const stopped = await this.stopPart(part, kind, deadline - performance.now());
      clean &&= stopped;
    }
    this.log.info({ clean }, "controller.stopped");
    return clean;
  }

  private async stopPart(part: Part, kind: StopKind, remainingMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`did not stop in ${stopDeadlineMs} ms`)), Math.max(0, remainingMs));
    });
    try {
      await Promise.race([Promise.resolve(kind).then(part.stop), late]);
      return true;
    } catch (error) {
      this.log.error({ part: part.name, err: error }, "controller.part_stop_failed");
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
