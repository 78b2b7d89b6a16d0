// One-use tickets for downloads that the browser makes by itself, because a link cannot carry the access token. Called
// by POST executions/{id}/output-ticket and GET downloads/{ticket}.
import { createHash, randomBytes } from "node:crypto";
import type { outputTicket } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { liveSessionUser } from "../identity/authenticate.ts";
import { findOutput, isAllStored } from "./find-output.ts";
import { type OutputFile, type OutputFileParams, openOutput, outputFacts, outputFileName } from "./read-output-file.ts";
import { selectTries } from "./result-queries.ts";
import { insertTicket, selectAssignmentState, takeTicket } from "./ticket-queries.ts";

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
  const { kind, id, name, sessionId } = actor;
  await ctx.sql.begin(async (tx) => {
    await insertTicket(tx, hashOf(ticket), {
      ...stream,
      fileName,
      raw,
      issuedTo: { kind, id, name, sessionId },
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

/** Who has no session, such as a program with an API token, has its minute. */
async function isStillSignedIn(ctx: Context, { sessionId }: Record<string, unknown>): Promise<boolean> {
  return typeof sessionId !== "string" || (await liveSessionUser(ctx, sessionId)) !== undefined;
}

/** The ticket is spent with this call, whatever becomes of the download. */
export async function redeemOutputTicket(ctx: Context, ticket: string): Promise<OutputFile> {
  const row = await takeTicket(ctx.sql, hashOf(ticket), ctx.now());
  if (!row || !(await isStillSignedIn(ctx, row.issuedTo)))
    throw new OcError("not_found", "This download link was used or is older than a minute: start the download again.");
  const { fileName, raw } = row;
  const tries = await selectTries(ctx.sql, [row.assignmentId]);
  const found = tries.find((t) => t.attempt === row.attempt && t.stepId === row.stepId && t.try === row.try);
  const state = await selectAssignmentState(ctx.sql, row.assignmentId);
  const complete = state === undefined || isAllStored(found, state);
  return await openOutput(ctx, row, { fileName, raw, output: outputFacts(found, complete) });
}
