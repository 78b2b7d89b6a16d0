// Places taken at agents that are connected here, so that what is created can be offered with its commit; what was not
// used in the end is given back. Called by create-execution.ts.
import type { AgentLink } from "../fleet/agent-link.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { AddressedOffer } from "./offer-message.ts";

export class Rooms {
  private readonly dispatcher: Dispatcher;
  private readonly taken: string[] = [];
  /** Connected to another controller, or to none. */
  private readonly elsewhere = new Set<string>();

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
  }

  take(agentId: string): AgentLink | undefined {
    const link = this.dispatcher.reserve(agentId);
    if (link) this.taken.push(agentId);
    else this.elsewhere.add(agentId);
    return link;
  }

  /** An agent whose stream was replaced at this moment got no offer: its assignment stayed queued. */
  keep(offers: readonly AddressedOffer[]): void {
    for (const { agentId } of offers) this.taken.splice(this.taken.indexOf(agentId), 1);
  }

  giveBack(): void {
    const left = this.taken.splice(0);
    for (const agentId of left) this.dispatcher.release(agentId);
    // What a limit has kept from being offered at once is claimed, and by others what is for their agents.
    this.dispatcher.wake([...left, ...this.elsewhere]);
  }
}
