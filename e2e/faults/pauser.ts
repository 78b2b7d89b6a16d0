// Stops processes with SIGSTOP as planned, lets others take over, and lets them go on. Called by pause.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../devstack/wait-for.ts";
import type { Balancer } from "./balancer.ts";
import type { FaultStack } from "./fault-stack.ts";
import type { Pause } from "./pause-plan.ts";

export interface PausedController {
  id: string;
  pid: number;
}

export interface Resumed {
  pause: Pause;
  /** Sessions of its agents that another controller had opened by the time it went on. */
  takenOver: number;
  /** Sessions of a paused controller that were shown as online although its lease was over. */
  shownOnline: number;
  /** Of a late stream: what was delivered after a newer one had begun. */
  lateBytes: number;
}

const recoveredWithinMs = 60_000;

export class Pauser {
  readonly resumed: Resumed[] = [];
  /** Late streams that found no stream to hold. */
  missed = 0;
  readonly #faults: FaultStack;
  readonly #balancer: Balancer;
  readonly #controllers: readonly PausedController[];

  constructor(faults: FaultStack, balancer: Balancer, controllers: readonly PausedController[]) {
    this.#faults = faults;
    this.#balancer = balancer;
    this.#controllers = controllers;
  }

  async carryOut(pauses: readonly Pause[], onResumed: () => void): Promise<void> {
    for (const pause of pauses) {
      await sleep(pause.afterMs);
      this.resumed.push({ pause, takenOver: 0, shownOnline: 0, lateBytes: 0, ...(await this.#pause(pause)) });
      onResumed();
    }
  }

  async #pause(pause: Pause): Promise<Partial<Resumed>> {
    switch (pause.kind) {
      case "controller, agents moved":
      case "controller, agents left":
        return this.#pauseController(pause, pause.kind === "controller, agents moved");
      case "PostgreSQL": {
        const pids = this.#faults.serverPids();
        await whileStopped(pids, () => sleep(pause.forMs));
        return {};
      }
      case "agent":
        await whileStopped([-this.#faults.agents[pause.which]!.pid], () => sleep(pause.forMs));
        return {};
      case "late stream":
        return this.#deliverLate(pause);
    }
  }

  async #pauseController({ forMs }: Pause, cut: boolean): Promise<Partial<Resumed>> {
    const sessions = await this.#sessions();
    const held = this.#controllers.map(({ id }) => [...sessions].filter(([, s]) => s.controller === id));
    const which = held[0]!.length >= held[1]!.length ? 0 : 1;
    const { id, pid } = this.#controllers[which]!;
    const own = held[which]!;
    const outcome = await whileStopped([-pid], async () => {
      this.#balancer.takeDown(which, cut);
      await sleep(forMs);
      const now = await this.#sessions();
      const takenOver = own.filter(([agent, session]) => now.get(agent)!.epoch > session.epoch).length;
      const shownOnline = own.filter(([agent]) => now.get(agent)!.controller === id && now.get(agent)!.isOnline).length;
      return { takenOver, shownOnline };
    });
    this.#balancer.bringUp(which);
    await this.#untilOnline();
    return outcome;
  }

  async #deliverLate({ forMs }: Pause): Promise<Partial<Resumed>> {
    const before = await this.#sessions();
    const stream = await this.#balancer.takeStream(forMs);
    if (!stream) {
      this.missed += 1;
      return {};
    }
    const taken = async () => {
      const now = await this.#sessions();
      return [...before].filter(([agent, { epoch }]) => now.get(agent)!.epoch > epoch).length;
    };
    const takenOver = await waitFor("a newer stream", taken, { timeoutMs: recoveredWithinMs });
    stream.deliver();
    return { takenOver, lateBytes: stream.heldBytes };
  }

  async #untilOnline(): Promise<void> {
    const allOnline = async () => [...(await this.#sessions()).values()].every((session) => session.isOnline);
    await waitFor("all agents to be online", allOnline, { timeoutMs: recoveredWithinMs, everyMs: 100 });
  }

  /** By agent. Online as the product judges it: open, on a controller whose lease lives. */
  async #sessions(): Promise<Map<string, Session>> {
    const rows = await this.#faults.owner()<(Session & { agentId: string })[]>`
      select s.agent_id, s.epoch, s.controller_id as controller, coalesce(c.lease_until > now(), false) as is_online
      from fleet.agent_sessions s left join fleet.controllers c on c.id = s.controller_id`;
    return new Map(rows.map(({ agentId, ...session }) => [agentId, session]));
  }
}

interface Session {
  epoch: bigint;
  controller: string | null;
  isOnline: boolean;
}

/** Negative pids are process groups. */
async function whileStopped<T>(pids: readonly number[], work: () => Promise<T>): Promise<T> {
  const stopped: number[] = [];
  try {
    for (const pid of pids) if (signal(pid, "SIGSTOP")) stopped.push(pid);
    return await work();
  } finally {
    for (const pid of stopped) signal(pid, "SIGCONT");
  }
}

/** False when it was gone: server processes of PostgreSQL come and go. */
function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
