// One-use tickets for downloads that the browser makes by itself, because a link cannot carry the access token. Called
// by POST executions/{id}/output-ticket and GET downloads/{ticket}.
import { createHash, randomBytes } from "node:crypto";
import type { outputTicket } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { liveRights } from "../identity/authenticate.ts";
import { readableOf } from "../identity/readable-of.ts";
import { findOutput, isAllStored } from "./find-output.ts";
import { type OutputFile, type OutputFileParams, openOutput, outputFacts, outputFileName } from "./read-output-file.ts";
import { selectTries } from "./result-queries.ts";
import {
  insertTicket,
  selectAssignmentState,
  type TicketHolder,
  type TicketRow,
  takeTicket,
} from "./ticket-queries.ts";

const lifeMs = 60_000;
const hashOf = (ticket: string) => createHash("sha256").update(ticket).digest();

export async function issueOutputTicket(
  ctx: Context,
  actor: Actor,
  params: OutputFileParams,
): Promise<z.infer<typeof outputTicket>> {
  const { execution, assignment, stream } = await findOutput(ctx, actor, params);
  const raw = params.raw === "1";
  const ticket = randomBytes(32).toString("base64url");
  const expiresAt = new Date(ctx.now().getTime() + lifeMs);
  const fileName = outputFileName(execution.jobName, execution.number, assignment.targetName, stream);
  const { id, name, sessionId, token } = actor;
  await ctx.sql.begin(async (tx) => {
    await insertTicket(tx, hashOf(ticket), {
      ...stream,
      fileName,
      raw,
      issuedTo: { id, name, sessionId, ...(token && { token: { id: token.id } }) },
      expiresAt,
    });
    await writeAudit(ctx, tx, actor, {
      action: "execution.output_downloaded",
      object: { kind: "execution", id: execution.id, name: execution.jobName },
      detail: { target: assignment.targetName, step: stream.stepId, try: stream.try },
    });
  });
  return { url: `/api/v1/downloads/${ticket}`, expiresAt: expiresAt.toISOString() };
}

export interface RedeemedTicket {
  file: OutputFile;
  /** Who was given it: the download ends when their session or token does. */
  holder: TicketHolder;
}

/** The ticket is spent with this call, whatever becomes of the download. `caller` carries address and request. */
export async function redeemOutputTicket(ctx: Context, caller: Actor, ticket: string): Promise<RedeemedTicket> {
  const row = await takeTicket(ctx.sql, hashOf(ticket), ctx.now());
  if (!row || !(await mayStillRead(ctx, caller, row)))
    throw new OcError("not_found", "This download link was used or is older than a minute: start the download again.");
  const { fileName, raw } = row;
  const tries = await selectTries(ctx.sql, [row.assignmentId]);
  const found = tries.find((t) => t.attempt === row.attempt && t.stepId === row.stepId && t.try === row.try);
  const state = await selectAssignmentState(ctx.sql, row.assignmentId);
  const complete = state === undefined || isAllStored(found, state);
  const file = await openOutput(ctx, row, { fileName, raw, output: outputFacts(found, complete) });
  return { file, holder: row.issuedTo };
}

/** With the rights of now: a minute is long enough to lose a role, or a target to leave one's group. */
async function mayStillRead(ctx: Context, caller: Actor, { issuedTo, assignmentId }: TicketRow): Promise<boolean> {
  const rights = await liveRights(ctx, issuedTo);
  if (!rights) return false;
  const { id, name, sessionId } = issuedTo;
  const holder: Actor = { ...caller, kind: "user", id, name, sessionId, ...rights };
  return (await readableOf(ctx, holder, "assignment", [assignmentId])).has(assignmentId);
}
