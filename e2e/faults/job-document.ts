// The jobs of the fault tests as documents. JSON is YAML, so nothing of ours has to quote. Called by submit-work.ts and
// by submit-flows.ts.
import { join } from "node:path";
import type { RolloutSpec, StageSpec } from "./flow-plan.ts";
import { type JobPlan, kibibyte, type StepPhase, type StepPlan } from "./workload.ts";

export const stepProgram = join(import.meta.dirname, "ledger-step.pl");

/** What a step that reads nothing is given. */
export const nothingGiven = "none";

export function jobDocument(job: JobPlan, ledgerFile: string): string {
  const text = { type: "string" };
  const inputs = job.flow ? { given: { ...text, default: nothingGiven }, flag: { ...text, default: "on" } } : {};
  return JSON.stringify({
    ...{ apiVersion: "opsconductor/v1", kind: "Job", name: job.name },
    inputs: { seed: { ...text, required: true }, ...inputs },
    limits: { output: `${job.limitBytes / kibibyte}KiB` },
    ...(job.flow ? { env: { LEDGER_GIVEN: "${{ inputs.given }}" } } : {}),
    ...flowOf(job, ledgerFile),
    ...phasesOf(job, ledgerFile),
  });
}

function phasesOf({ steps }: JobPlan, ledgerFile: string): object {
  const phase = (name: StepPhase) => steps.filter((step) => step.phase === name).map((s) => stepSpec(s, ledgerFile));
  return Object.fromEntries(
    (["steps", "onFailure", "finally"] as const)
      .map((name) => [name, phase(name)])
      .filter(([, specs]) => specs!.length),
  );
}

function flowOf({ flow }: JobPlan, ledgerFile: string): object {
  if (!flow) return {};
  const { stages, rollout, approval, concurrency } = flow;
  return {
    ...(approval && { approval }),
    ...(concurrency && { concurrency }),
    ...(rollout && { rollout: rolloutOf(rollout) }),
    ...(stages && { stages: Object.fromEntries(stages.map((stage) => [stage.id, stageOf(stage, ledgerFile)])) }),
  };
}

const rolloutOf = ({ pauseMs, ...rollout }: RolloutSpec): object => ({ ...rollout, pause: `${pauseMs}ms` });

const conditions = { on: 'inputs.flag == "on"', off: 'inputs.flag != "on"' };

function stageOf(stage: StageSpec, ledgerFile: string): object {
  const { needs, condition, targets, matrix, rollout, job, calls, reads } = stage;
  const given =
    reads && `\${{ has(stages.${reads}.outputs.token) ? stages.${reads}.outputs.token : "${nothingGiven}" }}`;
  const env = { ...(given && { LEDGER_GIVEN: given }), ...(matrix && { LEDGER_ITEM: "${{ matrix.item }}" }) };
  return {
    needs,
    if: condition === "on" || condition === "off" ? conditions[condition] : condition,
    ...(targets && { targets: { names: targets } }),
    ...(matrix && { matrix: { item: matrix } }),
    ...(rollout && { rollout: rolloutOf(rollout) }),
    ...(calls
      ? { job: job.name, inputs: { seed: "${{ inputs.seed }}", given: given ?? "${{ inputs.given }}" } }
      : { env, ...phasesOf(job, ledgerFile) }),
  };
}

const daemon = `setsid sh -c 'trap "" TERM; exec sleep 300' </dev/null >/dev/null 2>&1 &\n`;

function stepSpec(step: StepPlan, ledgerFile: string): object {
  const command = ["perl", stepProgram, ledgerFile, ...stepArguments(step)];
  const quoted = command.map((word) => `'${word}'`).join(" ");
  const env = {
    ...(step.failOn && { LEDGER_FAIL_ON: step.failOn.join(",") }),
    ...(step.gives && { LEDGER_GIVES: "1" }),
  };
  return {
    ...{ id: step.id, continueOnError: step.continueOnError, idempotent: step.idempotent },
    run: step.shell === "none" ? command : `set -e\n${step.leavesDaemon ? daemon : ""}${quoted}\n`,
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(step.retryMax > 0 ? { retry: { max: step.retryMax, delay: `${step.retryDelayMs ?? 0}ms` } } : {}),
    ...(step.timeoutMs === undefined ? {} : { timeout: `${step.timeoutMs / 1000}s` }),
  };
}

function stepArguments({ bytes, output, pieces, pauseMs, failTries }: StepPlan): string[] {
  return [bytes, output, pieces, pauseMs, failTries].map(String);
}
