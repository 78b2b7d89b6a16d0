// Stays with one running spawn until its end, whether this agent started it or found it running: reports the claim,
// feeds the output, and stops it at its deadline, on cancel, or when its output is held open.
import type { ChildProcess } from "node:child_process";
import { markStage } from "@opsconductor/contract/stage-marks";
import type { Moment } from "../journal/journal.ts";
import { JournalFull } from "../journal/journal-problems.ts";
import { type StopResult, stopTry } from "../process/stop-try.ts";
import type { ClaimRecord, StopReason } from "../process/try-records.ts";
import { type SpawnEnd, TryWatch } from "../process/watch-try.ts";
import { remainingMs, startTimer } from "./deadline.ts";
import { type HostContext, soonMs } from "./host-context.ts";
import { type TryPlace, targetOf } from "./try-place.ts";

const outputEveryMs = 15;

export interface Supervision {
  place: TryPlace;
  /** Starts the supervisor, after the watch stands. Undefined: it runs already. */
  spawn: (() => ChildProcess) | undefined;
  supervisorPid: number;
  startedAt: Moment;
}

/** What the agent has done to a try, beyond what its records say. */
export interface Stopped extends StopResult {
  why: StopReason;
}

export type SupervisedEnd = SpawnEnd & { stopped?: Stopped };

/** Rejects only when the agent stops or its journal fails; the step goes on without us. */
export function superviseTry(host: HostContext, supervision: Supervision): Promise<SupervisedEnd> {
  return new TrySupervision(host, supervision).run();
}

class TrySupervision {
  readonly #host: HostContext;
  readonly #place: TryPlace;
  readonly #given: Supervision;
  readonly #watch: TryWatch;
  readonly #end = Promise.withResolvers<SpawnEnd>();
  readonly #undo: (() => void)[] = [];
  #supervisorPid: number;
  #stopping: Promise<Stopped | undefined> | undefined;
  #outputTimer: NodeJS.Timeout | undefined;

  constructor(host: HostContext, given: Supervision) {
    this.#host = host;
    this.#given = given;
    this.#place = given.place;
    this.#supervisorPid = given.supervisorPid;
    this.#watch = new TryWatch(given.place.folder, host.bootId, {
      claimed: (claim) => this.#onClaim(claim),
      commandEnded: () => this.#onCommandEnded(),
      output: () => this.#onOutput(),
      over: (end) => {
        markStage("exit.seen");
        this.#end.resolve(end);
      },
    });
  }

  async run(): Promise<SupervisedEnd> {
    try {
      this.#watch.open();
      if (this.#given.spawn !== undefined) this.#launch(this.#given.spawn);
      this.#armStops();
      if (this.#given.spawn === undefined) this.#watch.look();
      const end = await this.#end.promise;
      const stopped = await this.#stopping;
      return stopped === undefined ? end : { ...end, stopped };
    } finally {
      this.#watch.close();
      clearTimeout(this.#outputTimer);
      for (const undo of this.#undo) undo();
    }
  }

  #launch(spawn: () => ChildProcess): void {
    try {
      const child = spawn();
      markStage("supervisor.spawned");
      this.#watch.follow(child);
      this.#supervisorPid = child.pid ?? 0;
    } catch (error) {
      this.#end.resolve({ kind: "notStarted", reason: (error as Error).message });
    }
  }

  #armStops(): void {
    const { attempt, step } = this.#place;
    this.#onAbort(this.#host.signal, () => this.#end.reject(this.#host.signal.reason));
    if (step.timeoutMs !== undefined)
      this.#stopAfter(remainingMs(this.#given.startedAt, step.timeoutMs, this.#host.now()));
    if (step.phase === "steps")
      this.#stopAfter(remainingMs(attempt.progress.begunAt!, attempt.plan.timeoutMs, this.#host.now()));
    if (step.phase !== "finally") this.#onAbort(attempt.cancelSignal, () => this.#stop("cancelled"));
  }

  #stopAfter(ms: number): void {
    this.#undo.push(startTimer(ms, () => this.#stop("timed_out")));
  }

  #onAbort(signal: AbortSignal, action: () => void): void {
    if (signal.aborted) return void queueMicrotask(action);
    signal.addEventListener("abort", action, { once: true });
    this.#undo.push(() => signal.removeEventListener("abort", action));
  }

  /** The first reason counts: what follows only waits with it. */
  #stop(why: StopReason): void {
    const target = targetOf(this.#host, this.#place, this.#supervisorPid);
    const graceMs = why === "drain" ? 0 : this.#host.settings.graceMs;
    this.#stopping ??= stopTry(target, { why, graceMs })
      .then((result) => {
        this.#watch.look();
        return { why, ...result };
      })
      .catch((err) => {
        this.#host.log.error({ event: "try.stop_failed", fence: this.#place.attempt.fence, why, err });
        return undefined;
      });
  }

  // Not at once: a short command is over by then, and the caller tells both in one commit.
  #onClaim(claim: ClaimRecord): void {
    markStage("claim.seen");
    this.#supervisorPid = claim.pid;
    const { attempt, step, try: tryNumber, spawn } = this.#place;
    const { pid, bootId } = claim;
    const known = attempt.progress.steps.get(step.id)?.tries.at(-1)?.startedReported ?? false;
    if (!known) attempt.note({ kind: "tryStarted", stepId: step.id, try: tryNumber, spawn, pid, bootId });
    this.#undo.push(startTimer(soonMs, () => this.#commit()));
  }

  // A program that writes line by line would have us send each line by itself.
  #onOutput(): void {
    this.#outputTimer ??= setTimeout(() => {
      this.#outputTimer = undefined;
      this.#advanceOutput();
    }, outputEveryMs);
  }

  /** What cannot be read now is read at the end, or counted as missing. */
  #advanceOutput(): void {
    try {
      this.#host.outputs.advance(this.#place.address);
    } catch (err) {
      this.#host.log.warn({ event: "output.unread", fence: this.#place.attempt.fence, err });
    }
  }

  #onCommandEnded(): void {
    this.#undo.push(startTimer(this.#host.settings.drainMs, () => this.#stop("drain")));
  }

  #commit(): void {
    try {
      this.#place.attempt.commitNow();
    } catch (error) {
      if (!(error instanceof JournalFull)) this.#end.reject(error); // else it is told together with the end
    }
  }
}
