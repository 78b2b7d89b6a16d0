// The code of an action by its name, loaded when it is needed: a step that writes a file does not wait for SSH to be
// read. Names come from the contract's catalogue, so that each has its parameters and its page.
import type { ActionName, ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, ActionFailed } from "./action.ts";

const actions: { [N in ActionName]: () => Promise<Action<ActionParameters<N>>> } = {
  file: async () => (await import("./file.ts")).file,
  directory: async () => (await import("./directory.ts")).directory,
  template: async () => (await import("./template.ts")).template,
  "line-in-file": async () => (await import("./line-in-file.ts")).lineInFile,
  copy: async () => (await import("./copy.ts")).copy,
  archive: async () => (await import("./archive.ts")).archive,
  fetch: async () => (await import("./fetch.ts")).fetchArtifact,
  http: async () => (await import("./http.ts")).http,
  "wait-for": async () => (await import("./wait-for.ts")).waitFor,
  assert: async () => (await import("./assert.ts")).assertAll,
  sleep: async () => (await import("./sleep.ts")).sleep,
  package: async () => (await import("./package.ts")).packages,
  service: async () => (await import("./service.ts")).service,
  user: async () => (await import("./user.ts")).user,
  cron: async () => (await import("./cron.ts")).cron,
  git: async () => (await import("./git.ts")).git,
  reboot: async () => (await import("./reboot.ts")).reboot,
  sql: async () => (await import("./sql.ts")).sql,
  ssh: async () => (await import("./ssh.ts")).ssh,
  sftp: async () => (await import("./sftp.ts")).sftp,
  winrm: async () => (await import("./winrm.ts")).winrm,
  snmp: async () => (await import("./snmp.ts")).snmp,
  message: async () => (await import("./message.ts")).message,
};

export async function loadAction(name: string): Promise<Action<Record<string, unknown>>> {
  if (!Object.hasOwn(actions, name)) throw new ActionFailed(`this agent has no action ${name}: install a newer one`);
  return (await actions[name as ActionName]()) as Action<Record<string, unknown>>;
}
