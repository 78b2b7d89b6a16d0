// What the console tells somebody by itself, and how they choose it.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

const count = { one: "execution", other: "executions" };

export const notices = area({
  title: "What I am told",
  text: "Shown in the corner while the console is open, on whatever page you are, and never about the page in front of you.",
  executions: "Executions that I started",
  executionsAll: "Every end",
  executionsFailures: "Only what did not succeed",
  never: "Never",
  signIns: "Sign-ins to my account",
  signInsAll: "Every one",
  signInsNew: "From a new place or browser",
  approvals: "An execution waits for an approval that I may give",
  agents: "An agent that I may see goes offline",
  desktop: "Also on the desktop while no page of the console is in front",
  desktopAsk: "Allow it in this browser",
  desktopUnasked: "This browser has not been asked yet.",
  desktopDenied:
    "Blocked by this browser. Its settings for this site, beside the address, allow it again; the console cannot ask twice.",
  desktopInsecure: "Browsers offer this only to pages that come over https or from the same computer.",
  desktopReady: "This browser allows it.",
  desktopTest: "Show an example",
  exampleTitle: "This is an example",
  exampleText: "Choosing a notification opens what it is about.",
  open: "Open",
  execution: (job: string, number: number, state: string) => `${job} #${number}: ${state.toLowerCase()}`,
  executionText: "You started it.",
  executionsEnded: (all: number) => `${plural(all, count)} that you started ended`,
  executionsBad: (bad: number) => (bad === 0 ? "All succeeded." : `${plural(bad, count)} did not succeed.`),
  approval: (job: string, number: number) => `${job} #${number} waits for approval`,
  approvalText: (by: string) => `Asked for by ${by}. You may decide.`,
  approvalsMany: (all: number) => `${plural(all, count)} wait for your approval`,
  session: "Your account was signed in to",
  sessionText: (browser: string, address: string) => [browser, address].filter(Boolean).join(", from "),
  sessionNew: "Not you? End the session and change your password.",
  sessionsMany: (all: number) => `Your account was signed in to ${plural(all, { one: "time", other: "times" })}`,
  agent: (name: string) => `${name} is offline`,
  agentText: "Running steps go on there; new work waits.",
  agentsMany: (all: number) => `${plural(all, { one: "agent is", other: "agents are" })} offline`,
});
