// Publish and subscribe for pages: hints that something changed, never the truth. Publish after the commit.
import type { LiveEvent } from "@opsconductor/contract/api/events";

/** What is about one person; nobody else follows it. */
export const personalTopic = (userId: string): string => `me:${userId}`;

export interface Live {
  /** Never throws and never waits: losing an event costs only latency. */
  publish(event: LiveEvent): void;
  /** Events of any of `topics` after `lastEventId`; `reset: true` when the buffer no longer reaches back that far. */
  subscribe(
    topics: readonly string[],
    lastEventId: string | undefined,
    listener: (id: string, event: LiveEvent) => void,
  ): { reset: boolean; lastId: string; close(): void };
}
