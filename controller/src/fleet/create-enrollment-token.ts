// Makes a one-time join token; its secret is returned once and only its sha256 is stored. Called by the REST route and
// by the local agent.
import { createHash, randomBytes } from "node:crypto";
import type { enrollmentTokenInput } from "@opsconductor/contract/api/agents";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { insertEnrollmentToken, selectEnrollmentTokens } from "./enrollment-token-queries.ts";
import { formatJoinToken } from "./join-token.ts";
import { type EnrollmentToken, presentEnrollmentToken } from "./present-enrollment-token.ts";
import { readNetwork } from "./read-network.ts";

const maxLifeMs = 24 * 3_600_000;
const unitMs = { s: 1000, m: 60_000, h: 3_600_000 };

type Params = z.output<typeof enrollmentTokenInput>;

export async function createEnrollmentToken(
  ctx: Context,
  actor: Actor,
  params: Params,
): Promise<EnrollmentToken & { token: string }> {
  const now = ctx.now();
  const { lifeMs, network } = checkTokenInput(params);
  const secret = randomBytes(32);
  const row = {
    id: randomBytes(8).toString("hex"),
    secretSha256: createHash("sha256").update(secret).digest(),
    namePattern: params.namePattern ?? null,
    labels: params.labels,
    cidr: network,
    createdBy: actor.kind === "user" ? actor.id : null,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifeMs),
  };
  const [stored] = await ctx.sql.begin(async (tx) => {
    await insertEnrollmentToken(tx, row);
    const { namePattern, labels, cidr, expiresAt } = row;
    const after = { namePattern, labels, cidr, expiresAt };
    await writeAudit(ctx, tx, actor, {
      action: "enrollment_token.created",
      object: { kind: "enrollment_token", id: row.id },
      after,
    });
    return selectEnrollmentTokens(tx, { limit: 1, before: undefined, id: row.id });
  });
  ctx.live.publish({ kind: "changed", topic: "enrollment-tokens", ids: [row.id] });
  const token = formatJoinToken({ id: row.id, secret, pin: ctx.authority.pin });
  return { ...presentEnrollmentToken(stored!, now), token };
}

/** What the schema cannot say; called before anything is made for the token as well. */
export function checkTokenInput({ expiresIn, cidr }: Params): { lifeMs: number; network: string | null } {
  return { lifeMs: lifeOf(expiresIn), network: cidr === undefined ? null : checkNetwork(cidr) };
}

function lifeOf(expiresIn: string): number {
  const ms = Number(expiresIn.slice(0, -1)) * unitMs[expiresIn.at(-1) as keyof typeof unitMs];
  if (ms >= 1000 && ms <= maxLifeMs) return ms;
  const message = "must be between 1s and 24h";
  throw new OcError("invalid_argument", `expiresIn ${message}`, { errors: [{ path: "expiresIn", message }] });
}

function checkNetwork(text: string): string {
  const network = readNetwork(text);
  if (network !== undefined) return network;
  const message = "must be a network such as 10.0.0.0/8 or 2001:db8::/32, without bits set after the prefix";
  throw new OcError("invalid_argument", `cidr ${message}`, { errors: [{ path: "cidr", message }] });
}
