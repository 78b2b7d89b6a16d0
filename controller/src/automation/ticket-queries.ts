// SQL of download tickets. Called by output-tickets.ts.
import type { AssignmentState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";
import type { OutputStream } from "./output-queries.ts";

/** Whoever asked for a ticket, and what they came with. */
export interface TicketHolder {
  id: string | null;
  name: string;
  sessionId: string | null;
  token?: { id: string };
}

export interface TicketRow extends OutputStream {
  fileName: string;
  raw: boolean;
  issuedTo: TicketHolder;
  expiresAt: Date;
}

export async function insertTicket(q: Query, sha256: Uint8Array, row: TicketRow): Promise<void> {
  await q`
    insert into automation.download_tickets (sha256, assignment_id, attempt, step_id, try, file_name, raw, issued_to,
      expires_at)
    values (${Buffer.from(sha256)}, ${row.assignmentId}, ${row.attempt}, ${row.stepId}, ${row.try}, ${row.fileName},
      ${row.raw}, ${jsonb(q, { ...row.issuedTo })}, ${row.expiresAt})`;
}

/** Gone with this: of two uses at once, one finds it. */
export async function takeTicket(q: Query, sha256: Uint8Array, now: Date): Promise<TicketRow | undefined> {
  const [row] = await q<TicketRow[]>`
    delete from automation.download_tickets where sha256 = ${Buffer.from(sha256)} and expires_at > ${now}
    returning assignment_id, attempt, step_id, try, file_name, raw, issued_to, expires_at`;
  return row;
}

export async function selectAssignmentState(q: Query, id: string): Promise<AssignmentState | undefined> {
  const [row] = await q<{ state: AssignmentState }[]>`select state from automation.assignments where id = ${id}`;
  return row?.state;
}
