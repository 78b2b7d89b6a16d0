// Makes a one-time join token; its secret is returned once and only its sha256 is stored. Called by the REST route and
// by the local agent.
import { createHash, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { enrollmentTokenInput } from "@opsconductor/contract/api/agents";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { insertEnrollmentToken, selectEnrollmentTokens } from "./enrollment-token-queries.ts";
import { formatJoinToken } from "./join-token.ts";
import { type EnrollmentToken, presentEnrollmentToken } from "./present-enrollment-token.ts";

const maxLifeMs = 24 * 3_600_000;
const unitMs = { s: 1000, m: 60_000, h: 3_600_000 };

type Params = z.output<typeof enrollmentTokenInput>;

export async function createEnrollmentToken(
  ctx: Context,
  actor: Actor,
  params: Params,
): Promise<EnrollmentToken & { token: string }> {
  const now = ctx.now();
  const secret = randomBytes(32);
  const row = {
    id: randomBytes(8).toString("hex"),
    secretSha256: createHash("sha256").update(secret).digest(),
    namePattern: params.namePattern ?? null,
    labels: params.labels,
    cidr: params.cidr === undefined ? null : checkCidr(params.cidr),
    createdBy: actor.kind === "user" ? actor.id : null,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifeMs(params.expiresIn)),
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

function lifeMs(expiresIn: string): number {
  const ms = Number(expiresIn.slice(0, -1)) * unitMs[expiresIn.at(-1) as keyof typeof unitMs];
  if (ms >= 1000 && ms <= maxLifeMs) return ms;
  const message = "expiresIn must be between 1s and 24h";
  throw new OcError("invalid_argument", message, { errors: [{ path: "expiresIn", message }] });
}

/** PostgreSQL's cidr refuses host bits to the right of the mask with an error for programmers; this one is for people. */
function checkCidr(text: string): string {
  const [address, bits] = text.split("/");
  const family = isIP(address ?? "");
  const max = family === 4 ? 32 : 128;
  const length = bits === undefined ? max : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  const valid = family !== 0 && length >= 0 && length <= max && hostBitsAreZero(address!, family, length);
  if (valid) return `${address}/${length}`;
  const message = "cidr must be a network such as 10.0.0.0/8 or 2001:db8::/32, without bits set after the prefix";
  throw new OcError("invalid_argument", message, { errors: [{ path: "cidr", message }] });
}

function hostBitsAreZero(address: string, family: number, length: number): boolean {
  if (family === 6) return true; // left to PostgreSQL: rare, and its refusal is a clean error too
  const value = address.split(".").reduce((n, octet) => n * 256n + BigInt(octet), 0n);
  return value % (1n << BigInt(32 - length)) === 0n;
}
