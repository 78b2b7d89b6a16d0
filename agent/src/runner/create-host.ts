// The host side of the agent as the link sees it: journal, runner, output and facts behind one object. The agent's main
// builds it, and closes it last; running steps go on without it.
import { join } from "node:path";
import { actionNames } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Logger } from "pino";
import { createFactCollector } from "../facts/collect-facts.ts";
import { createVitals } from "../facts/vitals.ts";
import { baseEnvironment } from "../guard/clean-environment.ts";
import { OwnerSettings } from "../guard/owner-settings.ts";
import { loadPolicy } from "../guard/policy.ts";
import { DiskReserve } from "../journal/disk-reserve.ts";
import type { Journal } from "../journal/journal.ts";
import { JournalFull } from "../journal/journal-problems.ts";
import { SqliteJournal } from "../journal/sqlite-journal.ts";
import { makePrivateFolder } from "../link/durable-file.ts";
import type { Host, OfferMessage } from "../link/host.ts";
import { OutputRegistry } from "../output/output-registry.ts";
import { detectCgroups } from "../process/cgroup.ts";
import { jobName } from "../process/job-file.ts";
import { readBootId } from "../process/process-identity.ts";
import { SupervisorPool } from "../process/supervisor-pool.ts";
import { installSupervisor } from "../process/supervisor-script.ts";
import { workName } from "./attempt.ts";
import { DiskWatch } from "./disk-watch.ts";
import { forgetEveryMs, forgetNow, forgetOldOutcomes } from "./forget-attempt.ts";
import { defaultSettings, type HostContext, type HostSettings, soonMs } from "./host-context.ts";
import { receiveDesire } from "./receive-desire.ts";
import { receiveOffer } from "./receive-offer.ts";
import { recoverAttempts } from "./recover-attempts.ts";
import { Slots } from "./slots.ts";
import { firstTryName, outputsFile } from "./try-place.ts";

export interface HostOptions {
  /** Root of everything the host side keeps; made 0700. */
  stateFolder: string;
  log: Logger;
  policyPath?: string;
  /** What the owner of the host allows; unless told /etc/opsconductor/agent.yaml. */
  ownerPath?: string;
  /** For steps that run as another user; beside the state folder unless told. Others must be able to pass to it. */
  userFolder?: string;
  settings?: Partial<HostSettings>;
  /** Of the agent; what steps may inherit is chosen from it. */
  environment: NodeJS.ProcessEnv;
  /** Unless told, a sqlite journal in the state folder. */
  journal?: Journal;
}

export interface RunningHost extends Host {
  /** Resolves with the reason when this process can do no more: only another one can go on. Else never. */
  readonly failure: Promise<string>;
  /** Stops taking work and lets go of everything. Steps that run are found again at the next start. */
  close(): void;
}

/** Until what found no space in the journal is tried again. */
const againAfterMs = 2000;
const dayMs = 24 * 3_600_000;

/** Throws when the state folder or journal cannot be used, with what to do. */
export function createHost(options: HostOptions): RunningHost {
  const { stateFolder, log } = options;
  makePrivateFolder(stateFolder);
  const settings = { ...defaultSettings, ...options.settings };
  const reserve = new DiskReserve(join(stateFolder, "reserve"));
  const journal =
    options.journal ?? new SqliteJournal({ path: join(stateFolder, "journal.db"), freeReserve: () => reserve.free() });
  const readiness = new Readiness();
  const stop = new AbortController();
  const limits = { maxSpoolBytes: settings.maxSpoolBytes, minTryBytes: 256 * 1024 };
  const bootId = readBootId();
  const host: HostContext = {
    ...{ settings, stateFolder, log, journal, bootId, signal: stop.signal },
    now: () => ({ atMs: Date.now(), monotonicMs: Number(process.hrtime.bigint()) / 1e6, bootId }),
    outputs: new OutputRegistry(
      journal,
      limits,
      () => readiness.announce(),
      (address, err) => log.error({ event: "output.gone", fence: address.fence, step: address.stepId, err }),
    ),
    policy: loadPolicy(options.policyPath ?? "/etc/opsconductor/policy.yaml"),
    owner: new OwnerSettings(options.ownerPath ?? "/etc/opsconductor/agent.yaml"),
    userFolder: options.userFolder ?? `${stateFolder}-steps`,
    slots: new Slots(settings.maxRunning),
    cgroups: process.platform === "linux" ? detectCgroups(options.environment.OC_CGROUP) : undefined,
    supervisors: new SupervisorPool({
      ...{ stateFolder, bootId, script: installSupervisor(stateFolder) },
      ...{ size: settings.waitingSupervisors, folders: [workName], tryName: firstTryName },
      files: [jobName, outputsFile, "script.sh", "code", "exit"],
    }),
    baseEnvironment: baseEnvironment(options.environment),
    redactorFor: () => undefined,
    attempts: new Map(),
    ready: (when) => readiness.announce(when),
    forgetting: new Set(),
  };
  const disk = new DiskWatch(stateFolder, settings.minFreeBytes, reserve, log);
  recoverAttempts(host);
  forgetOldOutcomes(host);
  const timers = [setInterval(() => forgetOldOutcomes(host), dayMs), setInterval(() => forgetNow(host), forgetEveryMs)];
  for (const timer of timers) timer.unref();
  return new LinkedHost(host, disk, readiness, () => {
    for (const timer of timers) clearInterval(timer);
    stop.abort(new Error("the agent stops"));
  });
}

/** Tells the listener once a turn that something may be there to send. */
class Readiness {
  listener: () => void = () => {};
  #announced = false;
  #later: NodeJS.Timeout | undefined;

  close(): void {
    clearTimeout(this.#later);
    this.listener = () => {};
  }

  announce(when: "now" | "soon" = "now"): void {
    if (this.#announced) return;
    if (when === "soon") {
      this.#later ??= setTimeout(() => this.announce(), soonMs);
      return;
    }
    this.#announced = true;
    clearTimeout(this.#later);
    this.#later = undefined;
    queueMicrotask(() => {
      this.#announced = false;
      this.listener();
    });
  }
}

class LinkedHost implements RunningHost {
  readonly #host: HostContext;
  readonly #disk: DiskWatch;
  readonly #readiness: Readiness;
  readonly #stop: () => void;
  readonly #failure = Promise.withResolvers<string>();
  #onDegraded: () => void = () => {};
  readonly #vitals = createVitals();
  readonly #collectFacts = createFactCollector();
  /** Offers that came while nothing could be taken; the controller keeps them offered. */
  readonly #deferred = new Map<bigint, { offer: OfferMessage; controllerNowMs: number; atMs: number }>();

  constructor(host: HostContext, disk: DiskWatch, readiness: Readiness, stop: () => void) {
    this.#host = host;
    this.#disk = disk;
    this.#readiness = readiness;
    this.#stop = stop;
    const { journal, log } = host;
    journal.onPoison((reason) => {
      log.fatal({ event: "journal.poisoned", reason });
      this.#failure.resolve(reason);
      this.#onDegraded();
    });
    if (journal.poisoned() !== "") this.#failure.resolve(journal.poisoned()); // while it was recovered
    disk.onChange = () => {
      this.#onDegraded();
      if (disk.problem === "") this.#takeDeferred();
    };
  }

  get failure(): Promise<string> {
    return this.#failure.promise;
  }

  journalId(): string {
    return this.#host.journal.id;
  }
  journalPosition(): bigint {
    return this.#host.journal.position();
  }
  bootId(): string {
    return this.#host.bootId;
  }
  actions(): string[] {
    return actionNames;
  }
  degraded(): string {
    return this.#host.journal.poisoned() || this.#disk.problem;
  }
  attempts(): ReturnType<Host["attempts"]> {
    return this.#host.journal.attempts();
  }

  receiveOffer(offer: OfferMessage, controllerNowMs: number): void {
    if (this.#host.signal.aborted || this.#host.journal.poisoned() !== "") return;
    this.#disk.look();
    if (this.#disk.problem !== "") {
      this.#deferred.set(offer.fence, { offer, controllerNowMs, atMs: performance.now() });
      return;
    }
    const heardAt = performance.now();
    this.#guarded(
      "offer",
      () => receiveOffer(this.#host, offer, controllerNowMs),
      () => this.receiveOffer(offer, controllerNowMs + performance.now() - heardAt),
    );
  }

  receiveDesire(desire: Parameters<Host["receiveDesire"]>[0]): void {
    if (this.#host.signal.aborted || this.#host.journal.poisoned() !== "") return;
    if (desire.want === "cancel") this.#deferred.delete(desire.fence);
    this.#guarded(
      "desire",
      () => receiveDesire(this.#host, desire),
      () => this.receiveDesire(desire),
    );
  }

  eventsAfter(fence: bigint, seq: bigint, limit: number): ReturnType<Host["eventsAfter"]> {
    return this.#host.journal.eventsAfter(fence, seq, limit);
  }
  acknowledgeEvents(fence: bigint, seq: bigint): void {
    this.#host.journal.noteEventsAcked(fence, seq);
  }

  outputSources(): ReturnType<Host["outputSources"]> {
    return this.#host.outputs.states();
  }
  async readOutput(source: Parameters<Host["readOutput"]>[0], offset: bigint, maxBytes: number): Promise<Uint8Array> {
    return this.#host.outputs.read(source, offset, maxBytes);
  }
  acknowledgeOutput(fence: bigint, stepId: string, tryNumber: number, storedBytes: bigint): void {
    this.#host.outputs.acknowledge(fence, stepId, tryNumber, storedBytes);
  }
  onReady(listener: () => void): void {
    this.#readiness.listener = listener;
  }

  onDegraded(listener: () => void): void {
    this.#onDegraded = listener;
  }

  facts(): Promise<Record<string, unknown>> {
    return this.#collectFacts();
  }
  vitals(): ReturnType<Host["vitals"]> {
    const { slots, outputs } = this.#host;
    return { ...this.#vitals(), runningAttempts: slots.taken, spooledBytes: outputs.spooledBytes() };
  }

  close(): void {
    if (this.#host.signal.aborted) return;
    this.#stop();
    this.#readiness.close();
    this.#disk.close();
    this.#host.outputs.close();
    this.#host.supervisors.close();
    this.#guarded("close", () => {
      forgetNow(this.#host);
      if (this.#host.journal.poisoned() === "") this.#host.journal.commit([]);
    });
    // What is open of a poisoned journal cannot be closed well; the next life reads what is on the disk.
    this.#guarded("close", () => this.#host.journal.close());
  }

  #takeDeferred(): void {
    const waiting = [...this.#deferred.values()];
    this.#deferred.clear();
    for (const { offer, controllerNowMs, atMs } of waiting)
      this.receiveOffer(offer, controllerNowMs + performance.now() - atMs);
  }

  /** A poisoned journal is said by `degraded`; the link must not fall over it. What finds no space comes `again`. */
  #guarded(what: string, action: () => void, again: () => void = () => {}): void {
    try {
      action();
    } catch (error) {
      if (error instanceof JournalFull) {
        this.#host.log.warn({ event: `${what}.deferred`, reason: error.message });
        setTimeout(again, againAfterMs).unref();
        return;
      }
      this.#host.log.error({ event: `${what}.failed`, err: error });
      if (this.#host.journal.poisoned() === "") throw error;
    }
  }
}
