// What is done about work that went wrong: declare lost, retry; and what a timeline tells.
import { formatNumber } from "../../format/number.ts";
import { plural } from "../plural.ts";
import { area } from "./area.ts";

const targetWords = { one: "target", other: "targets" };
const on = (name: string | undefined, count: number) => (name === undefined ? plural(count, targetWords) : name);

export const recovery = area({
  actsOf: (target: string) => `What to do about ${target}`,
  abandon: {
    action: "Declare lost",
    title: (target: string) => `Declare the work on ${target} lost?`,
    text: "The host may still be running it. The execution goes on without it; what its steps still tell is shown with them, and the outcome stays lost. If the host comes back, it is asked to stop what still runs.",
    waitingText:
      "The agent has told the end, but not all of the output that it named has come. What is stored is kept; the result that the agent told is shown as evidence.",
    reason: "Reason",
    reasonHint: "What you know of the host. Kept with the execution and in the audit log.",
    reasonMissing: "Say why; it is kept in the audit log.",
    submit: "Declare lost",
    close: "Keep waiting",
    done: (target: string) => `The work on ${target} is declared lost.`,
  },
  retry: {
    action: (count: number) => `Retry failed (${formatNumber(count)})`,
    rest: (count: number) => `Go on with the rest (${formatNumber(count)})`,
    titleRest: (count: number) => `Go on with ${plural(count, targetWords)}?`,
    textRest: (version: number) =>
      `Those that failed, and those that were never begun or were cancelled: a new execution of the same version (${version}) with the same inputs. What is recorded here stays as it is.`,
    one: "Retry here",
    title: (count: number) => `Retry on ${plural(count, targetWords)}?`,
    titleOne: (target: string) => `Retry on ${target}?`,
    text: (version: number) =>
      `A new execution of the same version (${version}) with the same inputs. What is recorded here stays as it is.`,
    states: (state: string, count: number) => `${formatNumber(count)} ${state.toLowerCase()}`,
    repeatLost: (count: number) => `Repeat the ${plural(count, { one: "lost target", other: "lost targets" })} too`,
    repeatLostHint:
      "Nobody knows whether the steps ran there. They may run a second time: look at the host first, unless the job can be repeated safely.",
    reason: "Reason",
    submit: (count: number) => `Run on ${plural(count, targetWords)}`,
  },
  retryOf: (number: number) => `retry of #${number}`,
  advice: {
    unreachable:
      "Steps go on without the connection and nothing is started twice. Wait for the agent, or declare the work lost if the host is gone.",
    since: "Last sign of its agent:",
    waitingOutput: "Waiting for output",
    waitingOutputText: (state: string, bytes: string) =>
      `The agent told that it ${state}, and ${bytes} of the output that it named have not come. They follow as soon as it can send them.`,
    waitingSince: "Waiting since",
    overdue: "Past its timeout",
    overdueText: "It was asked to stop and has not answered. Asked",
    expires: "If its agent is not back, this expires",
    lostText: "Nobody knows how this ended. It is not run again by itself: look at the host, then retry.",
    lateTitle: "A result came after this was declared lost",
    lateText: (state: string) => `The agent told that it ${state}. That is kept as evidence; the state stays lost.`,
    deniedText: "The agent refused it; nothing ran. Change what it refuses, then retry.",
    expiredText: "Its agent was not connected in time; it never ran. Retry when the host is back.",
  },
  timeline: {
    title: "What happened",
    steps: "When steps ran",
    newest: "Newest first",
    more: "Only the newest thousand are shown.",
    count: (count: number) => `× ${formatNumber(count)}`,
    by: (name: string) => `by ${name}`,
    away: (duration: string) => `away for ${duration}`,
    say: {
      "execution.created": "Created",
      "execution.started": "The first step started",
      "execution.finished": (state: string) => `Ended: ${state.toLowerCase()}`,
      "execution.retried": (number: number, targets: number) =>
        `Repeated as #${number} on ${plural(targets, targetWords)}`,
      "cancel.requested": "Cancel requested",
      "cancel.told": (name: string | undefined, count: number) =>
        `Told ${on(name, count)} to stop, at the agent's return`,
      "timeout.stop_requested": (name: string | undefined, count: number) =>
        `Past the timeout: asked ${on(name, count)} to stop`,
      "agent.disconnected": (name: string | undefined, count: number) => `Connection to ${on(name, count)} lost`,
      "agent.reconnected": (name: string | undefined, count: number) => `${on(name, count)} connected again`,
      "step.adopted": (name: string | undefined, count: number) =>
        `The restarted agent went on with ${name === undefined ? plural(count, { one: "step", other: "steps" }) : `the step on ${name}`}`,
      "step.lost": (name: string | undefined, count: number) => `A step on ${on(name, count)} was lost`,
      "assignment.offered_again": (name: string | undefined, count: number) =>
        `Offered to ${on(name, count)} again: the first offer had not arrived`,
      "assignment.queued_again": (name: string | undefined, count: number) =>
        `${on(name, count)} gave it back unstarted; queued again`,
      "assignment.recovered": (name: string | undefined, count: number) =>
        `${on(name, count)} had taken it before the database was restored, and tells it again`,
      "assignment.denied": (name: string | undefined, count: number) => `Refused by ${on(name, count)}`,
      "assignment.expired": (name: string | undefined, count: number) =>
        `Expired for ${on(name, count)}: never started`,
      "assignment.lost": (name: string | undefined, count: number) => `Lost on ${on(name, count)}`,
      "assignment.late_result": (name: string | undefined, count: number) =>
        `A late result from ${on(name, count)}, kept as evidence`,
      "output.gap": (name: string | undefined, count: number) => `Output of ${on(name, count)} has a gap`,
      "output.mismatch": (name: string | undefined, count: number) =>
        `Output of ${on(name, count)} is not what was sent`,
      "output.incomplete": (name: string | undefined, count: number) =>
        `The host lost the end of its output on ${on(name, count)}; the stored bytes stay`,
      "stream.rewound": (name: string | undefined, count: number) =>
        `${on(name, count)} was asked to send again; nothing is missing`,
      "stage.started": (_name: string | undefined, _count: number) => "A stage began",
      "stage.skipped": (_name: string | undefined, _count: number) => "A stage was skipped",
      "stage.finished": (_name: string | undefined, _count: number) => "A stage ended",
      "batch.released": (_name: string | undefined, _count: number) => "A batch began",
      "rollout.stopped": (_name: string | undefined, _count: number) =>
        "The rollout was stopped: the failure budget is spent",
      "deadline.passed": (_name: string | undefined, _count: number) => "The deadline was over",
      "approval.approved": (_name: string | undefined, _count: number) => "Approved",
      "approval.rejected": (_name: string | undefined, _count: number) => "Rejected",
      "execution.paused": (_name: string | undefined, _count: number) => "Paused",
      "execution.resumed": (_name: string | undefined, _count: number) => "Goes on after the pause",
    },
    detail: {
      agentRestarted: "the agent was restarted",
      hostRebooted: "the host was restarted",
      controllerChanged: "the controller was restarted",
      samePid: (step: string, pid: number) => `step ${step}, same process ${pid}`,
      step: (step: string) => `step ${step}`,
      stage: (stage: string) => `stage ${stage}`,
      batch: (batch: number, batches: number) => `batch ${formatNumber(batch)} of ${formatNumber(batches)}`,
      skipped: (count: number) => `${plural(count, targetWords)} not started`,
      omitted: (bytes: string) => `${bytes} left out`,
      asked: (count: number) => `${plural(count, targetWords)} asked to stop`,
      ended: (count: number) => `${formatNumber(count)} had not started`,
      attempt: (count: number) => `attempt ${formatNumber(count)}`,
    },
  },
});
