// What a file with a credential holds, on the host of the agent that uses it. Read by agent/src/actions; the controller
// knows names only. Pure.
import { parse } from "yaml";
import "../../zod-without-eval.ts";
import * as z from "zod";

const text = z.string().min(1);

const schema = z.strictObject({
  username: text.optional(),
  password: text.optional(),
  privateKey: text.optional(),
  passphrase: text.optional(),
  /** Lines of known_hosts. */
  knownHosts: text.optional(),
  /** Certificates in PEM that sign those of the machines. */
  certificateAuthority: text.optional(),
  community: text.optional(),
  authProtocol: z.enum(["md5", "sha", "sha224", "sha256", "sha384", "sha512"]).optional(),
  authKey: text.optional(),
  privProtocol: z.enum(["des", "aes", "aes256b", "aes256r"]).optional(),
  privKey: text.optional(),
});
export type Credential = z.infer<typeof schema>;

/** A problem names keys and never values: what the libraries say would quote the secret. */
export function readCredentialFile(content: string): { credential?: Credential; problem?: string } {
  let value: unknown;
  try {
    value = parse(content);
  } catch {
    return { problem: "it is not YAML" };
  }
  const read = schema.safeParse(value);
  if (read.success) return { credential: read.data };
  const [issue] = read.error.issues;
  const key = issue!.path.join(".");
  if (issue!.code === "unrecognized_keys") return { problem: `unknown key ${issue!.keys.join(", ")}` };
  return { problem: key === "" ? "it is no mapping of keys" : `${key} has no value that can be used` };
}
