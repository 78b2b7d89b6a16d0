// Waits until a moment of moments.ts has come, from outside. Called by killer.ts right before it kills.
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Sql } from "@opsconductor/database/connect";
import { waitFor } from "../devstack/wait-for.ts";
import type { FaultStack } from "./fault-stack.ts";
import type { HostEvent, HostWatch } from "./host-watch.ts";
import type { Trigger } from "./moments.ts";
import { armedLock } from "./transitions.ts";

export interface Arrived {
  /** Of the spawn or attempt it happened to, and the index of its host. */
  folder?: string;
  agent?: number;
  /** The server process whose transaction waits. */
  backendPid?: number;
  /** Lets what waits go on. Call it after the kill. */
  release(): Promise<void>;
}

export interface MomentSources {
  faults: FaultStack;
  watches: readonly HostWatch[];
  /** Everything that controller and agents write, as it comes. */
  log: LogFeed;
}

/** Undefined when it has not come by then. */
export async function awaitMoment(
  sources: MomentSources,
  trigger: Trigger,
  of: { agent: number; timeoutMs: number },
): Promise<Arrived | undefined> {
  switch (trigger.kind) {
    case "host":
      return awaitHost(sources.watches, trigger.event, of.timeoutMs);
    case "log": {
      const who = trigger.of === "controller" ? "controller" : sources.faults.agents[of.agent]!.name;
      return sources.log.next(who, trigger.text, of.timeoutMs);
    }
    case "committed":
      return awaitCommitted(sources.faults.owner(), trigger, of.timeoutMs);
    case "inside":
      return awaitInside(sources.faults, trigger, of.timeoutMs);
  }
}

const nothingToRelease = async () => {};

/** On any host: work is where it is. */
function awaitHost(watches: readonly HostWatch[], wanted: HostEvent, timeoutMs: number): Promise<Arrived | undefined> {
  return new Promise((resolve) => {
    const end = (arrived: Arrived | undefined) => {
      clearTimeout(timer);
      for (const unlisten of unlistens) unlisten();
      resolve(arrived);
    };
    const listen = (watch: HostWatch, agent: number) =>
      watch.listen((event, folder) => event === wanted && end({ folder, agent, release: nothingToRelease }));
    const unlistens = watches.map(listen);
    const timer = setTimeout(() => end(undefined), timeoutMs);
  });
}

/** Tells those who wait for a text when a program writes it. */
export class LogFeed {
  readonly #waiting = new Set<{ who: string; text: string; arrive: () => void }>();

  take(who: string, piece: string): void {
    for (const one of this.#waiting) if (one.who === who && piece.includes(one.text)) one.arrive();
  }

  next(who: string, text: string, timeoutMs: number): Promise<Arrived | undefined> {
    return new Promise((resolve) => {
      const end = (arrived: Arrived | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(entry);
        resolve(arrived);
      };
      const entry = { who, text, arrive: () => end({ release: nothingToRelease }) };
      this.#waiting.add(entry);
      const timer = setTimeout(() => end(undefined), timeoutMs);
    });
  }
}

async function awaitCommitted(
  owner: Sql,
  { entity, state }: { entity: string; state: string },
  timeoutMs: number,
): Promise<Arrived | undefined> {
  const deadline = performance.now() + timeoutMs;
  const newest = () => owner<{ id: number }[]>`select coalesce(max(id), 0)::float8 as id from faults.transitions`;
  const [from] = await newest().catch(() => []);
  if (from === undefined) return undefined;
  while (performance.now() < deadline) {
    const found = await owner`
      select from faults.transitions where id > ${from.id} and entity = ${entity} and new_state = ${state} limit 1
    `.catch(() => []);
    if (found.length > 0) return { release: nothingToRelease };
    await sleep(3);
  }
  return undefined;
}

/** Holds the lock that the armed transaction asks for, so that it waits in the middle, with everything it has locked. */
async function awaitInside(
  faults: FaultStack,
  { entity, state }: { entity: string; state: string },
  timeoutMs: number,
): Promise<Arrived | undefined> {
  const holder = connect(faults.ownerConnection(), { max: 1, applicationName: "faults lock" });
  const deadline = performance.now() + timeoutMs;
  const release = async () => {
    await disarm(faults);
    await holder.end({ timeout: 1 }).catch(() => {}); // its session's end gives the lock back
  };
  try {
    await holder`select pg_advisory_lock(${armedLock})`;
    await holder`insert into faults.armed (entity, new_state) values (${entity}, ${state})`;
    while (performance.now() < deadline) {
      const [waiting] = await holder<{ pid: number }[]>`
        select pid from pg_locks where locktype = 'advisory' and objid = ${armedLock} and not granted limit 1`;
      if (waiting) return { backendPid: waiting.pid, release };
      await sleep(2);
    }
  } catch {
    // PostgreSQL is away: the moment does not come
  }
  await release();
  return undefined;
}

/** Until PostgreSQL is back and has done it: a row that stays would stop every later transaction at its lock. */
async function disarm(faults: FaultStack): Promise<void> {
  await waitFor("the moment to be disarmed", () => faults.owner()`delete from faults.armed`.then(() => true), {
    timeoutMs: 120_000,
  });
}
