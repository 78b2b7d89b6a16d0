// Check mode and the actions that steps are made of.
import { area } from "./area.ts";

export const actions = area({
  checkOnly: "Check only",
  checkOnlyHint:
    "Says on each target what would change, and changes nothing. Scripts are skipped unless they say check: run.",
  checkSubmit: (targets: number) => `Check ${targets} ${targets === 1 ? "target" : "targets"}`,
  checkModeText: "This execution only says what would change.",
  runForReal: "Run it for real",
  changed: "Changed",
  wouldChange: "Would change",
  unchanged: "Unchanged",
  changedText: "The step changed something on the host.",
  title: "Actions",
  filter: "Filter actions",
  noMatch: "No action fits the filter.",
  intro:
    "An action is a step that says what shall be. It looks first and changes only what is not so: a step with uses and with, instead of run.",
  parameter: "Parameter",
  takes: "Takes",
  fallback: "Unless told",
  meaning: "Meaning",
  output: "output",
  outputName: (name: string) => `outputs.${name}`,
  required: "required",
  exampleOf: (name: string) => `Example of ${name}`,
  parametersOf: (name: string) => `Parameters of ${name}`,
  runsOn: (where: string) => `Runs on ${where}.`,
  gateway: "Reaches other machines",
  gatewayHint: "From the agent that runs it, with a credential that only that agent's host holds.",
  noValues: (names: string, instead: string) => `No \${{ }} in ${names}: that is code. Values go through ${instead}.`,
  checkKinds: { plans: "Check: shows changes", looks: "Check: runs, changes nothing", announces: "Check: announced" },
  checkHints: {
    plans: "In check mode it looks at the host and says what it would change.",
    looks: "In check mode it does the same: it changes nothing. What would, is only announced.",
    announces: "In check mode it only says that it would be done.",
  },
  lockedInput: (values: number) =>
    values === 1 ? "Locked: your rights allow this value only" : "Your rights allow these values only",
  wouldChangeText: "The step would change something on the host. Nothing was changed.",
});
