// The names of what every step finds in its environment, beside its inputs. The agent sets them; a controller that is
// itself started by a step must not take them for misspelt settings.
export const stepVariables = [
  "OC_EXECUTION_ID",
  "OC_EXECUTION_NUMBER",
  "OC_JOB_NAME",
  "OC_STEP_ID",
  "OC_ATTEMPT",
  "OC_TRY",
  "OC_FENCE",
  "OC_IDEMPOTENCY_KEY",
  "OC_OUTPUT",
  "OC_TARGET_ID",
  "OC_TARGET_NAME",
] as const;
export type StepVariable = (typeof stepVariables)[number];
