// Carries the strikes of a chaos run out: waits for their moment, kills -9, and writes down what was really killed, when.
// Called by chaos.ts.
import { setTimeout as sleep } from "node:timers/promises";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { type Arrived, awaitMoment, type MomentSources } from "./await-moment.ts";
import type { Strike, Victim } from "./chaos-plan.ts";
import type { KilledSpawn } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";
import { describeSpawn, runningSpawns, sessionOf, supervisorIn } from "./find-victims.ts";
import { momentNamed } from "./moments.ts";

export interface Kill {
  strike: number;
  victim: Victim;
  /** Which one: an agent's name, a spawn. */
  which: string;
  pid: number;
  at: Date;
  /** The moment it was made at; undefined: at a random time. */
  moment: string | undefined;
}

/** How long a strike waits for its moment, for somebody to kill, for everything to be back. */
const momentMs = { center: 4000, hosts: 1500 };
const provokedMs = { center: 20_000, hosts: 15_000 };
const victimMs = 1500;
const recoveryMs = 30_000;

export class Killer {
  readonly kills: Kill[] = [];
  readonly killedSpawns: KilledSpawn[] = [];
  /** How often each moment was waited for, and how often it came in time. */
  readonly moments = new Map<string, { awaited: number; hit: number }>();
  /** Victims that were not there to be killed. */
  readonly missedVictims: Victim[] = [];
  readonly recoveryMs: number[] = [];
  readonly #sources: MomentSources;
  readonly #faults: FaultStack;

  constructor(sources: MomentSources) {
    this.#sources = sources;
    this.#faults = sources.faults;
  }

  async carryOut(strike: Strike): Promise<void> {
    if (strike.lane === "center" && (strike.waitsForRecovery || strike.moment !== undefined))
      await this.#untilRecovered();
    await sleep(strike.pauseMs);
    const arrived = strike.moment === undefined ? undefined : await this.#await(strike);
    try {
      const found = arrived ? this.#find(strike, arrived) : await this.#findInTime(strike);
      for (const target of found) this.#kill(target, strike.index, arrived && strike.moment);
      for (const victim of strike.victims)
        if (!found.some((target) => target.victim === victim)) this.missedVictims.push(victim);
    } finally {
      await arrived?.release();
    }
  }

  /** Half of the agents work again; not for ever, for a strike may also meet a recovery. */
  async #untilRecovered(): Promise<void> {
    const began = performance.now();
    await this.#faults.untilOnline(recoveryMs, Math.ceil(this.#faults.agents.length / 2)).then(
      () => this.recoveryMs.push(performance.now() - began),
      () => {},
    );
  }

  async #await(strike: Strike): Promise<Arrived | undefined> {
    const { name, trigger, provoke } = momentNamed(strike.moment!);
    const count = this.moments.get(name) ?? { awaited: 0, hit: 0 };
    this.moments.set(name, count);
    count.awaited += 1;
    const timeoutMs = (provoke ? provokedMs : momentMs)[strike.lane];
    const coming = awaitMoment(this.#sources, trigger, { agent: strike.agent, timeoutMs });
    if (provoke) {
      const first = this.#targetOf(provoke, strike, undefined);
      if (first) this.#kill(first, strike.index, undefined);
    }
    const arrived = await coming;
    if (arrived) count.hit += 1;
    return arrived;
  }

  async #findInTime(strike: Strike): Promise<Target[]> {
    const deadline = performance.now() + victimMs;
    for (;;) {
      const found = this.#find(strike, undefined);
      if (found.length === strike.victims.length || performance.now() > deadline) return found;
      await sleep(5);
    }
  }

  #find(strike: Strike, arrived: Arrived | undefined): Target[] {
    return strike.victims.flatMap((victim) => this.#targetOf(victim, strike, arrived) ?? []);
  }

  #targetOf(victim: Victim, strike: Strike, arrived: Arrived | undefined): Target | undefined {
    const agent = this.#faults.agents[arrived?.agent ?? strike.agent]!;
    switch (victim) {
      case "controller": {
        const controller = this.#faults.stack.controller();
        return controller.ended() ? undefined : { victim, which: "controller", pids: [controller.pid] };
      }
      case "agent":
        return agent.isRunning() ? { victim, which: agent.name, pids: [agent.pid] } : undefined;
      case "supervisor":
        return this.#supervisorOf(agent, strike, arrived?.folder);
      case "postmaster":
        return targetWithPid(victim, this.#faults.postmasterPid());
      case "backend":
        return targetWithPid(victim, arrived?.backendPid ?? this.#faults.backendPids()[strike.pauseMs % 3]);
    }
  }

  /** Of the spawn it happened to, or of the agent, or of any when that has nothing running. */
  #supervisorOf(agent: ExtraAgent, { wholeSession }: Strike, folder: string | undefined): Target | undefined {
    const pid = folder === undefined ? undefined : supervisorIn(folder);
    if (folder !== undefined && pid === undefined) return undefined;
    const hosts = [agent, ...this.#faults.agents];
    const spawn = pid ? { folder: folder!, pid } : this.#newestSpawn(hosts);
    if (!spawn) return undefined;
    const which = spawn.folder.split("/").slice(-2).join("/");
    const pids = wholeSession ? sessionOf(spawn.pid) : [spawn.pid];
    return { victim: "supervisor", which, pids, folder: spawn.folder };
  }

  #newestSpawn(hosts: ExtraAgent[]) {
    for (const host of hosts) {
      const spawn = runningSpawns(this.#faults, host).at(-1);
      if (spawn) return spawn;
    }
    return undefined;
  }

  #kill({ victim, which, pids, folder }: Target, strike: number, moment: string | undefined): void {
    const spawn = folder === undefined ? undefined : describeSpawn(folder);
    const killed = pids.filter(killNow);
    if (killed.length === 0) {
      this.missedVictims.push(victim);
      return;
    }
    if (spawn) this.killedSpawns.push(spawn);
    this.kills.push({ strike, victim, which, pid: killed[0]!, at: new Date(), moment });
  }
}

interface Target {
  victim: Victim;
  which: string;
  pids: number[];
  /** Of a spawn. */
  folder?: string;
}

function targetWithPid(victim: Victim, pid: number | undefined): Target | undefined {
  return pid === undefined ? undefined : { victim, which: victim, pids: [pid] };
}

/** False when it was gone already. */
function killNow(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
