// The command palette.
import { area } from "./area.ts";

export const palette = area({
  title: "Command palette",
  description: "Type to find a page, a host, a job, an execution or an action",
  placeholder: "Type a command, host, job or execution number",
  empty: "Nothing found.",
  searching: "Searching…",
  goTo: "Go to",
  actions: "Actions",
  agents: "Agents",
  targets: "Targets",
  jobs: "Jobs",
  executions: "Executions",
  addHost: "Add a host",
  addTarget: "Add a target",
  newJob: "Write a job",
  themeLight: "Use the light theme",
  themeDark: "Use the dark theme",
  themeSystem: "Use the system's theme",
  shortcuts: "Show keyboard shortcuts",
  signOut: "Sign out",
  execution: (number: number, job: string) => `#${number} ${job}`,
});
