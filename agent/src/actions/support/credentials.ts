// Credentials that this agent itself holds, by name: files of the host that only its owner can read. The controller knows
// their names and never their content. Until the agent's vault keeps them they are YAML in a folder of the host.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Credential, readCredentialFile } from "@opsconductor/contract/job/actions/credential-file";
import { type ActionContext, ActionFailed } from "../action.ts";

export const defaultCredentialFolder = "/etc/opsconductor/credentials";

/** `name` has passed its schema: it is no path. */
export async function readCredential(name: string, { credentialFolder, hide }: ActionContext): Promise<Credential> {
  const path = join(credentialFolder, `${name}.yaml`);
  const { mode, uid } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new ActionFailed(`this agent has no credential ${name}: write ${path} on its host (mode 0600)`);
    throw error;
  });
  if ((mode & 0o077) !== 0) throw new ActionFailed(`others can read ${path}: chmod 600 it, and change what is in it`);
  if (uid !== 0 && uid !== process.getuid?.()) throw new ActionFailed(`${path} belongs to another user (${uid})`);
  const { credential, problem } = readCredentialFile(await readFile(path, "utf8"));
  if (credential === undefined) throw new ActionFailed(`the credential ${path} cannot be used: ${problem}`);
  for (const key of ["password", "privateKey", "passphrase", "community", "authKey", "privKey"] as const)
    if (credential[key] !== undefined) hide(name, credential[key]);
  return credential;
}
