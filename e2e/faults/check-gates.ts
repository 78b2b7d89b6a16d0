// What stands before and between the steps of an execution: people who must agree, turns by a key, pauses; and that
// nothing was cancelled that nobody wanted to be. Pure; called by check-invariants.ts.
import { executionStates, isTerminal } from "@opsconductor/contract/states";
import type { AskedExecution, Evidence, ExecutionEvidence, Violation } from "./evidence.ts";
import type { EvidenceIndex } from "./index-evidence.ts";
import { mustHaveSeen, type Transition } from "./transitions.ts";

export function checkGates(evidence: Evidence, index: EvidenceIndex): Violation[] {
  const executions = evidence.executions.filter(({ id }) => index.asked.get(id)?.plan.job.flow);
  const found: Violation[] = [];
  const say: Say = ({ plan, executionId }, what) =>
    found.push({ invariant: "flow", subject: `${plan.key} (${executionId})`, what });
  for (const execution of executions) {
    const asked = index.asked.get(execution.id)!;
    checkApproval({ evidence, index, say, execution, asked });
    checkPauses({ evidence, index, say, execution, asked });
    checkCancelled({ evidence, index, say, execution, asked });
  }
  const byKey = Map.groupBy(
    executions.filter(({ concurrencyKey }) => concurrencyKey !== null),
    (row) => row.concurrencyKey!,
  );
  for (const [key, rows] of byKey)
    checkTurns(
      key,
      rows.map(({ id }) => index.asked.get(id)!),
      { evidence, index, say },
    );
  return found;
}

type Say = (asked: AskedExecution, what: string) => void;
interface Judging {
  evidence: Evidence;
  index: EvidenceIndex;
  say: Say;
}
interface Checking extends Judging {
  execution: ExecutionEvidence;
  asked: AskedExecution;
}

const offersOf = (id: string, index: EvidenceIndex): Transition[] =>
  (index.assignmentsOf.get(id) ?? []).flatMap((row) =>
    index.history("assignment", row.id).filter(({ to }) => to === "offered"),
  );
const entriesOf = (id: string, index: EvidenceIndex) =>
  (index.assignmentsOf.get(id) ?? []).flatMap((row) => index.entriesOf.get(row.id) ?? []);

function checkApproval({ evidence, index, say, execution, asked }: Checking): void {
  const rule = asked.plan.job.flow!.approval;
  const approvals = evidence.approvals.filter((row) => row.executionId === execution.id);
  if (approvals.length !== (rule ? 1 : 0)) say(asked, `has ${approvals.length} approvals`);
  if (asked.ownApproval !== undefined && asked.ownApproval < 300) say(asked, "was approved by whoever asked for it");
  const [approval] = approvals;
  if (!rule || !approval) return;
  const offers = offersOf(execution.id, index);
  const starts = entriesOf(execution.id, index);
  if (approval.outcome !== "approved") {
    if (offers.length + starts.length > 0)
      say(asked, `was not approved (${approval.outcome}), and something of it ran`);
    if (execution.state !== "cancelled")
      say(asked, `was not approved (${approval.outcome}), and is ${execution.state}`);
    judgeEnd({ evidence, index, say, execution, asked }, approval.outcome);
    return;
  }
  const granted = index.history("approval", execution.id).find(({ to }) => to === "approved")!;
  const known = evidence.decisions.filter((row) => row.executionId === execution.id && row.decision === "approve");
  const others = known.filter((row) => row.userId !== execution.requestedBy);
  const agreed = Math.max(
    0,
    ...[...Map.groupBy(others, ({ content }) => content).values()].map(
      (rows) => new Set(rows.map((row) => row.userId)).size,
    ),
  );
  if (agreed < rule.required) say(asked, `began with ${agreed} people who agreed, and ${rule.required} were needed`);
  const stranger = rule.by && known.find(({ userName }) => !rule.by!.includes(`user:${userName}`));
  if (stranger) say(asked, `was approved by ${stranger.userName}, whom the rule does not name`);
  if (offers.some(({ id }) => id < granted.id)) say(asked, "was offered before it was approved");
  if (starts.some(({ at }) => at < granted.begunAt.getTime() / 1000))
    say(asked, "a step started before it was approved");
}

/** Why it was not approved is what was done to it. */
function judgeEnd({ evidence, index, say, execution, asked }: Checking, outcome: string | null): void {
  const rejected = evidence.decisions.some((row) => row.executionId === execution.id && row.decision === "reject");
  if (outcome === "rejected" && !rejected) say(asked, "was rejected, and nobody did that");
  const approval = evidence.approvals.find((row) => row.executionId === execution.id)!;
  const [over] = index.history("approval", execution.id).filter(({ to }) => to === "expired");
  if (over && over.at < approval.expiresAt) say(asked, "expired before its time");
  if (outcome === null && asked.cancelAskedAt === undefined)
    say(asked, "was neither approved nor cancelled, and is over");
}

/** While it is paused nothing of it is offered, and no stage begins. */
function checkPauses({ index, say, execution, asked }: Checking): void {
  const history = index.history("execution", execution.id);
  history.forEach(({ id, to }, at) => {
    if (to !== "paused") return;
    const end = history.slice(at + 1).find((next) => next.to !== "paused")?.id ?? Number.POSITIVE_INFINITY;
    const isInside = (move: Transition) => move.id > id && move.id < end;
    if (offersOf(execution.id, index).some(isInside)) say(asked, "was offered to an agent while it was paused");
    const begun = index.stageMoves(execution.id).filter(({ to: state }) => state === "running");
    if (begun.some((move) => isInside(move) && move.from === "pending"))
      say(asked, "a stage of it began while it was paused");
  });
}

function checkCancelled({ evidence, index, say, execution, asked }: Checking): void {
  const turn = asked.plan.job.flow!.concurrency;
  const took = index.history("turn", execution.id).find(({ to }) => to === "held");
  if (execution.cancelRequestedAt !== null && asked.cancelAskedAt === undefined) {
    const others = evidence.executions.filter(
      (row) => row.concurrencyKey === execution.concurrencyKey && row.id !== execution.id,
    );
    const wants = others.some(
      ({ id }) =>
        index.asked.get(id)?.plan.job.flow?.concurrency?.onConflict === "cancel-running" &&
        (index.history("execution", id)[0]?.at ?? new Date()) < execution.cancelRequestedAt!,
    );
    if (!turn || !took || !wants) say(asked, "was cancelled, and nobody wanted its turn");
  }
  if (
    execution.state === "skipped" &&
    turn?.onConflict !== "skip" &&
    index.stageMoves(execution.id).every(({ to }) => to !== "running") &&
    !wasReplaced(asked, evidence, index)
  )
    say(asked, "was skipped, and its job does not say so");
  if (turn && !took && offersOf(execution.id, index).length > 0) say(asked, "ran without its turn");
}

/** A newer one that cancels what runs was there before it ended: it would have begun only to be cancelled. */
function wasReplaced({ executionId }: AskedExecution, evidence: Evidence, index: EvidenceIndex): boolean {
  const end = index.history("execution", executionId).at(-1)!;
  const { concurrencyKey: key } = evidence.executions.find(({ id }) => id === executionId)!;
  return evidence.executions.some((row) => {
    const asked = index.asked.get(row.id);
    const [made] = index.history("execution", row.id);
    const isNewer = row.concurrencyKey === key && row.id > executionId && made !== undefined && made.begunAt < end.at;
    return key !== null && isNewer && asked !== undefined && replaces(asked);
  });
}

const replaces = ({ plan }: AskedExecution) => plan.job.flow?.concurrency?.onConflict === "cancel-running";

interface Turn {
  asked: AskedExecution;
  from: Transition;
  until: number;
}

/** Never more at a time than the limit, by the record and by the ledger; who waits takes turns in the order of asking. */
function checkTurns(key: string, all: AskedExecution[], { evidence, index, say }: Judging): void {
  const turns = all.flatMap((asked): Turn[] => {
    const history = index.history("turn", asked.executionId);
    const from = history.find(({ to }) => to === "held");
    const end = history.find(({ to }) => to === "free");
    return from ? [{ asked, from, until: end?.id ?? Number.POSITIVE_INFINITY }] : [];
  });
  const spans = new Map(turns.map((turn) => [turn, spanOf(turn.asked.executionId, index)]));
  for (const turn of turns) {
    const { limit } = turn.asked.plan.job.flow!.concurrency!;
    const beside = turns.filter((other) => other.from.id <= turn.from.id && other.until > turn.from.id);
    if (beside.length > limit) say(turn.asked, `has the key ${key} with ${beside.length - 1} others, and ${limit} may`);
    const start = spans.get(turn)!.from;
    const running = turns.filter((other) => spans.get(other)!.from <= start && spans.get(other)!.until > start);
    if (running.length > limit)
      say(turn.asked, `ran with ${running.length - 1} others of the key ${key}, and ${limit} may`);
    const waiting = all.filter((other) => waited(other, turn.from, index));
    const before = waiting.filter(
      (other) =>
        other.executionId < turn.asked.executionId &&
        !(wasSkipped(other, index) && wasReplaced(other, evidence, index)),
    );
    if (before.length > 0 && beside.length - 1 + before.length >= limit)
      say(turn.asked, `took its turn before ${before[0]!.plan.key}, which waited longer`);
    const newer = waiting.filter((other) => other.executionId > turn.asked.executionId && replaces(other));
    if (newer.length >= limit) say(turn.asked, `took its turn only to be cancelled for ${newer[0]!.plan.key}`);
  }
  for (const asked of all)
    if (wasSkipped(asked, index) && !all.some((other) => other !== asked && stoodInTheWay(other, asked, index)))
      say(asked, `was skipped, and no other with the key ${key} was there`);
}

/** From its first start to its last word; lost tries may end when they like. */
function spanOf(executionId: string, index: EvidenceIndex): { from: number; until: number } {
  const entries = entriesOf(executionId, index).filter(
    (entry) => index.tries.get(`${entry.assignment}/${entry.attempt}/${entry.step}/${entry.try}`)?.state !== "lost",
  );
  const times = entries.map(({ at }) => at);
  return { from: Math.min(...times), until: Math.max(...times) };
}

/** Known to exist before that transaction began, and queued without a turn when it was made. */
function waited(
  { executionId, answeredAt, cancelAskedAt, plan }: AskedExecution,
  moment: Transition,
  index: EvidenceIndex,
): boolean {
  if (answeredAt === undefined || answeredAt >= moment.begunAt.getTime() / 1000) return false;
  if (cancelAskedAt !== undefined || plan.job.flow!.concurrency!.onConflict === "skip") return false;
  const [turn] = index.history("turn", executionId);
  if (turn && turn.id <= moment.id) return false;
  const state = index.history("execution", executionId).findLast(({ id }) => id < moment.id)?.to;
  const [next] = index.history("execution", executionId).filter(({ id }) => id > moment.id);
  return state === "queued" && next?.begunAt !== undefined && next.begunAt > moment.at;
}

function wasSkipped({ executionId }: AskedExecution, index: EvidenceIndex): boolean {
  const over = index.history("execution", executionId).at(-1);
  return over?.to === "skipped" && index.history("turn", executionId).length === 0;
}

/** It was there, and not known to be over, when the other was skipped: an end that is not committed is no end yet. */
function stoodInTheWay(other: AskedExecution, skipped: AskedExecution, index: EvidenceIndex): boolean {
  const end = index.history("execution", skipped.executionId).at(-1)!;
  const before = index.history("execution", other.executionId).filter(({ id }) => id < end.id);
  const known = before.findLastIndex((move) => mustHaveSeen(end, move));
  return before.slice(Math.max(known, 0)).some(({ to }) => to !== null && !isTerminal(executionStates, to as "queued"));
}
