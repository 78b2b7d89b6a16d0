// How git gets a credential: by its environment, never by an argument that others could read in a list of processes.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ActionContext, ActionFailed } from "../action.ts";
import { readCredential } from "./credentials.ts";

export async function gitCredential(name: string | undefined, context: ActionContext): Promise<Record<string, string>> {
  if (name === undefined) return { GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes" };
  const { username, password, privateKey, knownHosts } = await readCredential(name, context);
  if (privateKey !== undefined) return sshCommand(privateKey, knownHosts, context.folder);
  if (username === undefined || password === undefined)
    throw new ActionFailed(`the credential ${name} needs username and password, or privateKey`);
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  context.hide(name, basic);
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };
}

async function sshCommand(
  key: string,
  knownHosts: string | undefined,
  folder: string,
): Promise<Record<string, string>> {
  const [keyFile, hostsFile] = [join(folder, "key"), join(folder, "known_hosts")];
  await writeFile(keyFile, key.endsWith("\n") ? key : `${key}\n`, { mode: 0o600 });
  const hosts = knownHosts === undefined ? "" : ` -o UserKnownHostsFile='${hostsFile}'`;
  if (knownHosts !== undefined) await writeFile(hostsFile, knownHosts, { mode: 0o600 });
  const options = `-o BatchMode=yes -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes${hosts}`;
  return { GIT_SSH_COMMAND: `ssh -i '${keyFile}' ${options}` };
}
