// What is told to other controllers, as texts that fit into one notification of PostgreSQL (8,000 bytes). Called by
// postgres-peers.ts. Pure.
import type { LiveEvent } from "@opsconductor/contract/api/events";
import type { PeerMessage } from "./peers.ts";

const mostBytes = 7500;
/** Ids of agents in one message. */
const mostIds = 150;

/** `from` is the controller that tells. */
export function packMessages(from: string, messages: readonly PeerMessage[]): string[] {
  const around = JSON.stringify({ from, messages: [] }).length;
  const payloads: string[] = [];
  let texts: string[] = [];
  let bytes = around;
  const close = () => {
    if (texts.length > 0) payloads.push(`{"from":${JSON.stringify(from)},"messages":[${texts.join(",")}]}`);
    texts = [];
    bytes = around;
  };
  for (const message of messagesOf(messages)) {
    const text = textOf(message);
    const length = Buffer.byteLength(text) + 1;
    if (bytes + length > mostBytes) close();
    texts.push(text);
    bytes += length;
  }
  close();
  return payloads;
}

/** One with all agents of each kind, in parts; of events that replace each other the latest. */
function* messagesOf(messages: readonly PeerMessage[]): Generator<PeerMessage> {
  for (const kind of ["wake", "desires"] as const) {
    const ids = [...new Set(messages.flatMap((message) => message[kind] ?? []))];
    for (let at = 0; at < ids.length; at += mostIds) yield { [kind]: ids.slice(at, at + mostIds) };
  }
  if (messages.some((message) => message.limits)) yield { limits: true };
  const events = new Map<string, LiveEvent>();
  messages.forEach(({ event }, i) => {
    if (!event) return;
    const key = replacedBy(event) ?? String(i);
    events.delete(key);
    events.set(key, event);
  });
  for (const event of events.values()) yield { event };
}

/** Sizes of output and whole executions are told anew with each change. */
function replacedBy(event: LiveEvent): string | undefined {
  if (event.kind === "output") return `output ${event.assignmentId} ${event.stepId} ${event.try}`;
  return event.kind === "execution" ? `execution ${event.topic} ${event.execution.id}` : undefined;
}

/** What is too long for a notification is asked for again by the page. */
function textOf(message: PeerMessage): string {
  const text = JSON.stringify(message);
  const { event } = message;
  if (!event || Buffer.byteLength(text) < mostBytes - 200) return text;
  return JSON.stringify({ event: { kind: "changed", topic: event.topic, ids: [] } satisfies LiveEvent });
}
