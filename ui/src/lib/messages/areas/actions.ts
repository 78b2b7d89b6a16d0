// Check mode and the actions that steps are made of.
import { area } from "./area.ts";

export const actions = area({
  checkOnly: "Check only",
  checkOnlyHint:
    "Says on each target what would change, and changes nothing. Scripts are skipped unless they say check: run.",
  checkSubmit: (targets: number) => `Check ${targets} ${targets === 1 ? "target" : "targets"}`,
  checkMode: "Check mode",
  checkModeText: "This execution only says what would change.",
  runForReal: "Run it for real",
  changed: "Changed",
  wouldChange: "Would change",
  unchanged: "Unchanged",
  changedText: "The step changed something on the host.",
  wouldChangeText: "The step would change something on the host. Nothing was changed.",
});
