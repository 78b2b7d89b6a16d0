// Carries the strikes of a chaos run out: waits for their moment, kills -9, and writes down what was really killed, when.
// Called by chaos.ts.
import { setTimeout as sleep } from "node:timers/promises";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import type { Strike, Victim } from "./chaos-plan.ts";
import type { KilledSpawn } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";
import { describeSpawn, runningSpawns, sessionOf } from "./find-victims.ts";

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

/** How long a strike waits for its moment or for somebody to kill. */
const patienceMs = 4000;

export class Killer {
  readonly kills: Kill[] = [];
  readonly killedSpawns: KilledSpawn[] = [];
  /** Strikes whose moment did not come in time, by moment; they were made anyway. */
  readonly missedMoments: string[] = [];
  /** Victims that were not there to be killed. */
  readonly missedVictims: Victim[] = [];
  readonly recoveryMs: number[] = [];
  readonly #faults: FaultStack;

  constructor(faults: FaultStack) {
    this.#faults = faults;
  }

  async carryOut(strike: Strike): Promise<void> {
    if (strike.waitsForRecovery) await this.#untilRecovered();
    await sleep(strike.pauseMs);
    const began = performance.now();
    let found = this.#find(strike);
    while (found.length < strike.victims.length && performance.now() - began < patienceMs) {
      await sleep(5);
      found = this.#find(strike);
    }
    for (const target of found) this.#kill(target, strike, undefined);
    for (const victim of strike.victims)
      if (!found.some((target) => target.victim === victim)) this.missedVictims.push(victim);
  }

  /** The controller answers and every agent is connected. */
  async #untilRecovered(): Promise<void> {
    const began = performance.now();
    await this.#faults.untilOnline(120_000);
    this.recoveryMs.push(performance.now() - began);
  }

  #find(strike: Strike): Target[] {
    const agent = this.#faults.agents[strike.agent]!;
    return strike.victims.flatMap((victim) => this.#targetOf(victim, agent, strike) ?? []);
  }

  #targetOf(victim: Victim, agent: ExtraAgent, { wholeSession }: Strike): Target | undefined {
    switch (victim) {
      case "controller": {
        const controller = this.#faults.stack.controller();
        return controller.ended() ? undefined : { victim, which: "controller", pids: [controller.pid] };
      }
      case "agent":
        return agent.isRunning() ? { victim, which: agent.name, pids: [agent.pid] } : undefined;
      case "supervisor":
        return this.#supervisorOf(agent, wholeSession);
      case "postmaster": {
        const pid = this.#faults.postmasterPid();
        return pid === undefined ? undefined : { victim, which: "postmaster", pids: [pid] };
      }
      case "backend": {
        const pid = this.#faults.backendPids()[0];
        return pid === undefined ? undefined : { victim, which: "backend", pids: [pid] };
      }
    }
  }

  /** Of the agent, or of any when it has nothing running. */
  #supervisorOf(agent: ExtraAgent, wholeSession: boolean): Target | undefined {
    for (const host of [agent, ...this.#faults.agents]) {
      const spawn = runningSpawns(this.#faults, host).at(-1);
      if (!spawn) continue;
      const pids = wholeSession ? sessionOf(spawn.pid) : [spawn.pid];
      return {
        victim: "supervisor",
        which: `${host.name} ${spawn.folder.split("/").slice(-2).join("/")}`,
        pids,
        folder: spawn.folder,
      };
    }
    return undefined;
  }

  #kill({ victim, which, pids, folder }: Target, strike: Strike, moment: string | undefined): void {
    const spawn = folder === undefined ? undefined : describeSpawn(folder);
    const killed = pids.filter(killNow);
    if (killed.length === 0) {
      this.missedVictims.push(victim);
      return;
    }
    if (spawn) this.killedSpawns.push(spawn);
    this.kills.push({ ...{ strike: strike.index, victim, which, pid: killed[0]!, at: new Date() }, moment });
  }
}

interface Target {
  victim: Victim;
  which: string;
  pids: number[];
  /** Of a spawn. */
  folder?: string;
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
