// Words of the examples that a job can begin with.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const examples = area({
  title: "Start from an example",
  intro:
    "Whole jobs for work that every operator knows. Take one, change what is yours (labels of your hosts, names, paths), and look at it with Check only before it runs.",
  whole: "Examples of whole jobs",
  small: "Small ones to begin with",
  use: "Start from this",
  useOf: (name: string) => `Start from this: ${name}`,
  text: "Its text",
  textOf: (name: string) => `Text of ${name}`,
  shows: "Shows",
  uses: "Uses",
  steps: (count: number) => plural(count, { one: "step", other: "steps" }),
  /** What there is to learn from each, as in docs/examples.md. */
  learn: {
    "patch-web-tier":
      "canary, batches of 20 %, a failure budget, the agreement of a second person, a restart in the middle",
    "rolling-restart": "taking hosts out of a load balancer, one at a time",
    "rotate-logs": "large files set aside, the program reloaded, the old packed and removed",
    "certificate-expiry": "a check that fails hosts, with a list for people and outputs for what follows",
    "database-backup": "outputs between steps, finally, a backup that is proven by restoring it",
    "user-offboarding": "safe to repeat: a second run changes nothing",
    "certificate-check": "what a server shows to its clients",
    "web-server": "a host made to be something, with a template",
  } as Readonly<Record<string, string>>,
});
