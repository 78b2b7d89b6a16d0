// Keeps what a host told about itself: on the agent, and as a copy on its own target, so that selectors read one table.
// Called by grpc/ for a facts report.
import { OcError } from "@opsconductor/contract/errors";
import { oneLine } from "@opsconductor/contract/one-line";
import type { Context } from "../context.ts";
import type { AgentSession } from "./agent-link.ts";
import { writeFacts } from "./fact-queries.ts";
import { lockSession } from "./lock-session.ts";
import { publishAgents } from "./publish-agents.ts";
import { lockAgent } from "./session-queries.ts";

const maxFactsBytes = 256 * 1024;

export async function storeFacts(ctx: Context, session: AgentSession, factsJson: Uint8Array): Promise<void> {
  const facts = parseFacts(factsJson);
  await ctx.sql.begin(async (tx) => {
    // In the order of a hello, which waits for the session with the agent's row locked.
    await lockAgent(tx, session.agentId);
    await lockSession(tx, session);
    await writeFacts(tx, session.agentId, facts, ctx.now());
  });
  ctx.live.publish({ kind: "changed", topic: "targets", ids: [] });
  await publishAgents(ctx, [session.agentId]);
}

function parseFacts(json: Uint8Array): Record<string, unknown> {
  if (json.length > maxFactsBytes) throw new OcError("invalid_argument", "The facts are larger than 256 KiB");
  try {
    const value = storable(JSON.parse(Buffer.from(json).toString()));
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new OcError("invalid_argument", "The facts are not JSON", { cause });
  }
  throw new OcError("invalid_argument", "The facts are not a JSON object");
}

/**
 * PostgreSQL's jsonb has neither U+0000 nor half of a surrogate pair, in keys as in values. Pages show facts a line each:
 * what would make one look like another is marked, and only line breaks and tabs of values stay.
 */
function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(storable);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [oneLine(key.replaceAll("\0", "")), storable(item)]),
  );
}

const storableText = (text: string) =>
  text
    .replaceAll("\0", "")
    .split(/(\r?\n|\t)/)
    .map((part, index) => (index % 2 === 1 ? part : oneLine(part)))
    .join("");
