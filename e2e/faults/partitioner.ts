// Cuts hosts off as planned and measures how it is noticed and how fast they are back. Called by partition.ts, one loop
// for each host.
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "@opsconductor/contract/api/agents";
import type { Assignment } from "@opsconductor/contract/api/executions";
import { waitFor } from "../devstack/wait-for.ts";
import type { FaultStack } from "./fault-stack.ts";
import type { Cut } from "./partition-plan.ts";
import type { TestNetwork } from "./test-network.ts";
import { firstWriteAfter } from "./writes.ts";

export interface Healed {
  cut: Cut;
  host: string;
  at: Date;
  /** From the cut to the agent shown as offline; undefined: not waited for. */
  seenMs: number | undefined;
  /** Its unfinished work was shown as unreachable meanwhile; undefined: it had none. */
  shownUnreachable: boolean | undefined;
  /** From the heal (of a half-open link: from the cut) to the first word of the agent that was stored. */
  backMs: number;
  /** The agent came back with a new session; false: the connection outlived the cut. */
  reconnected: boolean;
}

const backWithinMs = 90_000;

export class Partitioner {
  readonly healed: Healed[] = [];
  readonly #faults: FaultStack;
  readonly #network: TestNetwork;
  readonly #agentIds: Map<string, string>;
  readonly #agentPort: number;

  constructor(faults: FaultStack, network: TestNetwork, agentIds: Map<string, string>) {
    this.#faults = faults;
    this.#network = network;
    this.#agentIds = agentIds;
    this.#agentPort = Number(faults.stack.agentAddress.split(":").at(-1));
  }

  /** One host's cuts, one after the other. */
  async carryOut(cuts: readonly Cut[], onHealed: () => void): Promise<void> {
    for (const cut of cuts) {
      await sleep(cut.pauseMs);
      await this.#cutOff(cut);
      onHealed();
    }
  }

  async #cutOff(cut: Cut): Promise<void> {
    const host = this.#faults.agents[cut.host]!.name;
    const agentId = this.#agentIds.get(host)!;
    const epoch = await this.#epochOf(agentId);
    const at = new Date();
    const seen = await this.#lose(cut, agentId);
    const since = cut.kind === "half-open" ? at : new Date();
    if (cut.kind !== "half-open") await this.#network.heal(cut.host);
    // A half-open link is back with a new connection: what the old one still brings does not count.
    const back = await this.#untilBack(agentId, since, cut.kind === "half-open" ? epoch + 1n : 0n);
    if (cut.kind === "half-open") await this.#network.heal(cut.host);
    this.healed.push({
      ...{ cut, host, at, ...seen },
      backMs: Math.max(0, back.at.getTime() - since.getTime()),
      reconnected: back.epoch !== epoch,
    });
  }

  /** Makes the cut and waits until it is to be healed. */
  async #lose(cut: Cut, agentId: string): Promise<Pick<Healed, "seenMs" | "shownUnreachable">> {
    const unseen = { seenMs: undefined, shownUnreachable: undefined };
    const { host, kind, forMs } = cut;
    const network = this.#network;
    switch (kind) {
      case "half-open": {
        const ports = await network.connectionPorts(host, this.#agentPort);
        const set = `{ ${ports.join(", ")} }`;
        if (ports.length > 0)
          await network.lose(host, { fromHost: `tcp sport ${set} drop`, toHost: `tcp dport ${set} drop` });
        return unseen;
      }
      case "flapping":
        for (const [turn, ms] of cut.turnsMs.entries()) {
          await network.lose(host, turn % 2 === 0 ? { fromHost: "drop", toHost: "drop" } : {});
          await sleep(ms);
        }
        return unseen;
      case "loss": {
        const statement = `numgen random mod 100 < ${cut.lossPercent} drop`;
        await network.lose(host, { fromHost: statement, toHost: statement });
        await sleep(forMs);
        return unseen;
      }
      case "slow":
        await network.slow(host);
        await sleep(Math.min(forMs, 4_000));
        return unseen;
      default: {
        const lost =
          kind === "both ways"
            ? { fromHost: "drop", toHost: "drop" }
            : kind === "to the host"
              ? { toHost: "drop" }
              : { fromHost: "drop" };
        const began = performance.now();
        await network.lose(host, lost);
        const seen = cut.isLong
          ? {
              seenMs: await this.#untilOffline(agentId, began),
              shownUnreachable: await this.#isShownUnreachable(agentId),
            }
          : unseen;
        await sleep(forMs);
        return seen;
      }
    }
  }

  async #untilOffline(agentId: string, began: number): Promise<number> {
    const isOffline = async () =>
      (await this.#faults.api.call<Agent>("GET", `/api/v1/agents/${agentId}`)).state === "offline";
    await waitFor(`agent ${agentId} to be shown as offline`, isOffline, { timeoutMs: 60_000, everyMs: 200 });
    return performance.now() - began;
  }

  /** Of one execution that waits for this agent: what a person who looks at it is told. */
  async #isShownUnreachable(agentId: string): Promise<boolean | undefined> {
    const [held] = await this.#faults.owner()<{ id: string; executionId: string }[]>`
      select id, execution_id from automation.assignments
      where agent_id = ${agentId} and finished_at is null and state in ('offered', 'accepted', 'running') limit 1`;
    if (!held) return undefined;
    const path = `/api/v1/executions/${held.executionId}/assignments`;
    const { items } = await this.#faults.api.call<{ items: Assignment[] }>("GET", path);
    return items.find((item) => item.id === held.id)?.unreachable;
  }

  async #untilBack(agentId: string, since: Date, fromEpoch: bigint): Promise<{ at: Date; epoch: bigint }> {
    const owner = this.#faults.owner();
    const first = () => firstWriteAfter(owner, agentId, since, fromEpoch);
    return waitFor(`agent ${agentId} to be heard again`, first, { timeoutMs: backWithinMs, everyMs: 50 });
  }

  async #epochOf(agentId: string): Promise<bigint> {
    const [row] = await this.#faults.owner()<{ epoch: bigint }[]>`
      select epoch from fleet.agent_sessions where agent_id = ${agentId}`;
    return row!.epoch;
  }
}
