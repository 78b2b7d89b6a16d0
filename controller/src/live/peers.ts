// What the controllers of one database tell each other, so that nobody waits for a poll: agents that have work, and events
// for pages. Hints, like those of live.ts: the rows are the truth, and a poll stands behind every one of them. Implemented by
// postgres-peers.ts.
import type { LiveEvent } from "@opsconductor/contract/api/events";

export interface PeerMessage {
  /** Work waits for these agents; whoever holds their streams claims it. */
  wake?: readonly string[];
  /** Something else is wanted of what these agents run: a cancel, a hold. */
  desires?: readonly string[];
  /** What may run at once was changed. */
  limits?: true;
  /** For the pages that are open there. */
  event?: LiveEvent;
}

export interface Peers {
  /** After the commit. Never throws and never waits; does nothing while no other controller lives. */
  tell(message: PeerMessage): void;
  /** Called with each message of another controller. */
  listen(heard: (message: PeerMessage) => void): void;
}
