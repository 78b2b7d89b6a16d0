// The agent came back: both sides say what they have and go on. Nothing is decided by the lost connection itself.
// Called through agent-work.ts after Welcome was sent.
import { type Query, systemActor } from "../context.ts";
import type { AgentLink, DesireMessage, EventReply, ReportedAttempt } from "../fleet/agent-link.ts";
import { advanceExecutions } from "./advance-executions.ts";
import { type AssignmentRow, type Attempt, hasAllOutput } from "./attempt.ts";
import { type AutomationBase, desireOf } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { adoptLostHistory } from "./lost-history.ts";
import { type AddressedOffer, loadOffers } from "./offer-message.ts";
import { planResume, type ResumePlan } from "./plan-resume-state.ts";
import { publishTimelines } from "./publish-changes.ts";
import { transitionsOf } from "./record-batch.ts";
import { lockBatch, type Recorder, staleSession } from "./recorder.ts";
import { reportAttempts } from "./report-batch.ts";
import { selectAgentAttempts, writeBatch } from "./result-queries.ts";
import { insertNotes, type TimelineNote } from "./timeline-queries.ts";

type Known = AssignmentRow & { settled: boolean; releaseThroughStep: bigint; desiredReason: string | null };

interface Resumed {
  plan: ResumePlan<ReportedAttempt, Known>;
  offers: AddressedOffer[];
  attempts: Attempt[];
  executions: ExecutionRow[];
  inFlight: number;
  /** Executions whose timelines grew. */
  told: string[];
}

export async function resumeAgent(r: Recorder, link: AgentLink, held: ReportedAttempt[]): Promise<EventReply[]> {
  const { plan, offers, attempts, executions, inFlight, told } = await r.ctx.sql.begin((tx) =>
    resume(r, tx, link, held),
  );
  r.dispatcher.resumed(link.session, inFlight);
  for (const row of plan.desire) link.desire(desireOf(asDesired(row)));
  for (const { message } of offers) link.offer(message);
  for (const attempt of plan.forget) r.dispatcher.desire(link.session.agentId, forgetOf(attempt));
  reportAttempts(r, attempts, executions);
  publishTimelines(r.ctx, told);
  logResume(r.ctx, link, plan);
  r.dispatcher.wake([link.session.agentId]);
  return plan.acknowledge.map((row) => ({ kind: "ack", fence: row.fence!, seq: row.lastSeq }));
}

async function resume(r: Recorder, tx: Query, link: AgentLink, held: ReportedAttempt[]): Promise<Resumed> {
  const { agentId } = link.session;
  const named = held.map((h) => h.assignmentId);
  const adopted = link.takesWork ? await adoptLostHistory(r.ctx, tx, link, held) : [];
  const ids = (await selectAgentAttempts(tx, agentId, named)).map((row) => row.id);
  const batch = await lockBatch(r, tx, { sessions: [link.session], assignmentIds: ids });
  if (!batch.isLive(link.session)) throw staleSession(link.session);
  // Read again under the locks: a batch of the older stream may have ended meanwhile.
  const wishes = new Map((await selectAgentAttempts(tx, agentId, ids)).map((row) => [row.id, row]));
  const known = [...batch.attempts.values()]
    .filter((a) => a.assignment.agentId === agentId)
    .map(
      (a): Known => ({
        ...a.assignment,
        ...wishes.get(a.assignment.id)!,
        settled: a.assignment.finish !== null && hasAllOutput(a) && a.assignment.finishedAt !== null,
      }),
    );
  const plan = planResume(held, known, link.session.epoch);
  // What we do not know may be the truth that this database has lost: it is kept until a person has looked.
  if (link.history === "paused") plan.forget = plan.forget.filter((h) => isKnown(h, known));
  // In quarantine it may be a copy of the agent: it is given nothing, and what it does not hold may run elsewhere. The
  // hello after its release decides.
  if (!link.takesWork) Object.assign(plan, { offerAgain: [], lost: [] });
  const attempts = plan.lost.map((row) => batch.attempts.get(row.id)!);
  const now = r.ctx.now();
  for (const attempt of attempts) markLost(attempt, now);
  await writeBatch(tx, { attempts, output: [] });
  const offers = await loadOffers(
    tx,
    r.dispatcher.definitions,
    plan.offerAgain.filter((row) => row.desired !== "cancel").map((row) => row.id),
  );
  const notes = notesOfResume(plan, now);
  await insertNotes(tx, notes);
  const executions = await advanceExecutions(tx, [...adopted, ...attempts.flatMap((a) => transitionsOf(a, now))]);
  const inFlight = known.filter((k) => k.finishedAt === null && k.state !== "queued").length;
  return { plan, offers, attempts, executions, inFlight, told: notes.map((n) => n.executionId) };
}

/** What the timelines are told of a hello: wishes that the agent hears now, offers that had not reached it. */
function notesOfResume({ desire, offerAgain }: ResumePlan<ReportedAttempt, Known>, at: Date): TimelineNote[] {
  const of = (row: Known, kind: TimelineNote["kind"], detail: TimelineNote["detail"]): TimelineNote => ({
    ...{ executionId: row.executionId, assignmentId: row.id, targetName: row.targetName, kind, at, detail },
  });
  return [
    ...desire
      .filter((row) => row.desired === "cancel")
      .map((row) => of(row, "cancel.told", { reason: row.desiredReason })),
    ...offerAgain
      .filter((row) => row.desired !== "cancel")
      .map((row) => of(row, "assignment.offered_again", { attempt: row.attempt })),
  ];
}

function markLost(attempt: Attempt, at: Date): void {
  attempt.assignment.state = "lost";
  attempt.assignment.stateReason =
    "the agent came back without this attempt in its journal; whether its steps ran to their end is not known";
  attempt.assignment.finishedAt = at;
  attempt.dirty = true;
  const detail = { by: systemActor.name, reason: attempt.assignment.stateReason, from: attempt.before };
  attempt.notes.push({ kind: "assignment.lost", at, detail });
}

const isKnown = (h: ReportedAttempt, known: readonly Known[]): boolean =>
  known.some((row) => row.id === h.assignmentId && row.fence === h.fence);

const asDesired = (row: Known) => ({ ...row, agentId: row.agentId!, fence: row.fence! });

function forgetOf({ assignmentId, attempt, fence }: ReportedAttempt): DesireMessage {
  return { assignmentId, attempt, fence, want: "forget", releaseThroughStep: 0xffffffff, reason: "" };
}

function logResume(ctx: AutomationBase, link: AgentLink, plan: ResumePlan<ReportedAttempt, Known>): void {
  const { agentId, agentName } = link.session;
  const counts = Object.fromEntries(Object.entries(plan).map(([key, list]) => [key, list.length]));
  ctx.log.info({ agentId, agentName, ...counts }, "agent.resumed");
  for (const row of plan.lost) ctx.log.warn({ agentId, assignmentId: row.id }, "assignment.lost");
}
