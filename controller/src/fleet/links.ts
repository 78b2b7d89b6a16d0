// The streams that this controller holds, by agent: grpc/ puts them in and takes them out, dispatch looks them up.
import type { AgentLink, Links } from "./agent-link.ts";

export class LinkRegistry<T extends AgentLink = AgentLink> implements Links {
  readonly #byAgent = new Map<string, T>();

  get(agentId: string): T | undefined {
    return this.#byAgent.get(agentId);
  }

  all(): Iterable<T> {
    return this.#byAgent.values();
  }

  get size(): number {
    return this.#byAgent.size;
  }

  /** The higher epoch wins, in whatever order two hellos come back from the database. Returns the loser, to be ended. */
  put(link: T): T | undefined {
    const other = this.#byAgent.get(link.session.agentId);
    if (other && other.session.epoch > link.session.epoch) return link;
    this.#byAgent.set(link.session.agentId, link);
    return other;
  }

  /** Removes `link` and nothing newer. */
  remove(link: T): void {
    if (this.#byAgent.get(link.session.agentId) === link) this.#byAgent.delete(link.session.agentId);
  }
}
