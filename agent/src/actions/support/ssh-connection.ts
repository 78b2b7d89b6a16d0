// A connection over SSH to a machine whose key is known. Used by ssh.ts and sftp.ts.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { parseDuration } from "@opsconductor/contract/job/duration";
import type { Client } from "ssh2";
import { type ActionContext, ActionFailed } from "../action.ts";
import { readCredential } from "./credentials.ts";

export interface SshTarget {
  host: string;
  port: number;
  credential: string;
  hostKey?: string | undefined;
  connectTimeout: string;
}

/** Ends the connection whatever `use` does. */
export async function withSsh<T>(
  target: SshTarget,
  context: ActionContext,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connectSsh(target, context);
  const stop = () => client.destroy();
  context.signal.addEventListener("abort", stop, { once: true });
  // A connection that is lost in the middle ends what runs on it: nobody knows how it went.
  const lost = new Promise<never>((_, reject) => {
    client.once("error", (error) =>
      reject(new ActionFailed(`the connection to ${target.host} was lost: ${error.message}`)),
    );
    client.once("close", () => reject(new ActionFailed(`the connection to ${target.host} was lost`)));
  });
  lost.catch(() => {}); // after the end nobody waits for it
  try {
    return await Promise.race([use(client), lost]);
  } finally {
    context.signal.removeEventListener("abort", stop);
    client.end();
  }
}

async function connectSsh(target: SshTarget, context: ActionContext): Promise<Client> {
  const { username, password, privateKey, passphrase, knownHosts } = await readCredential(target.credential, context);
  if (username === undefined || (password === undefined && privateKey === undefined))
    throw new ActionFailed(`the credential ${target.credential} needs username, and password or privateKey`);
  if (target.hostKey === undefined && knownHosts === undefined)
    throw new ActionFailed(
      `the key of ${target.host} is not known: give hostKey, or add knownHosts to the credential ${target.credential}`,
    );
  const known = knownHosts === undefined ? [] : keysOf(knownHosts, target);
  // In the package only the default export of a CommonJS library is there.
  const { default: ssh2 } = await import("ssh2");
  const client = new ssh2.Client();
  let refused: string | undefined;
  const hostVerifier = (key: Buffer) => {
    refused = judgeKey(key, target, known);
    return refused === undefined;
  };
  const algorithms =
    target.hostKey === undefined && known.length > 0 ? { serverHostKey: algorithmsOf(known) } : undefined;
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    client.once("error", (error) =>
      reject(new ActionFailed(refused ?? `${target.host}: ${error.message}`, { cause: error })),
    );
    const { host, port } = target;
    const readyTimeout = parseDuration(target.connectTimeout)!;
    client.connect({
      ...{ host, port, username, readyTimeout, hostVerifier, keepaliveInterval: 15_000 },
      ...(password === undefined ? {} : { password }),
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(algorithms === undefined ? {} : { algorithms: algorithms as never }),
    });
  });
  return client;
}

interface KnownKey {
  type: string;
  key: string;
  revoked: boolean;
}

function judgeKey(key: Buffer, { host, hostKey }: SshTarget, known: readonly KnownKey[]): string | undefined {
  const fingerprint = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
  if (known.some((one) => one.revoked && one.key === key.toString("base64"))) return `the key of ${host} is revoked`;
  if (hostKey !== undefined)
    return hostKey.replace(/=+$/, "") === fingerprint
      ? undefined
      : `${host} has the key ${fingerprint}, not ${hostKey}: another machine answers, or its key was changed`;
  if (known.some((one) => !one.revoked && one.key === key.toString("base64"))) return undefined;
  return known.length === 0
    ? `the key of ${host} (${fingerprint}) is not in knownHosts of the credential`
    : `${host} has another key (${fingerprint}) than knownHosts says: another machine answers, or its key was changed`;
}

/** Lines of known_hosts (sshd(8)) that are about this machine: plain, with patterns, or hashed. */
function keysOf(text: string, { host, port }: SshTarget): KnownKey[] {
  const name = port === 22 ? host : `[${host}]:${port}`;
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    if (fields[0] === "" || fields[0]!.startsWith("#") || fields[0] === "@cert-authority") return [];
    const revoked = fields[0] === "@revoked";
    const [hosts, type, key] = revoked ? fields.slice(1) : fields;
    if (hosts === undefined || type === undefined || key === undefined || !isAbout(hosts, name)) return [];
    return [{ type, key: Buffer.from(key, "base64").toString("base64"), revoked }];
  });
}

function isAbout(hosts: string, name: string): boolean {
  if (hosts.startsWith("|1|")) {
    const [, , salt, hash] = hosts.split("|");
    const given = createHmac("sha1", Buffer.from(salt!, "base64")).update(name).digest();
    const wanted = Buffer.from(hash!, "base64");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
  const patterns = hosts.split(",");
  const fits = (pattern: string) =>
    new RegExp(
      `^${pattern
        .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
      "i",
    ).test(name);
  return (
    patterns.some((one) => !one.startsWith("!") && fits(one)) &&
    !patterns.some((one) => one.startsWith("!") && fits(one.slice(1)))
  );
}

function algorithmsOf(known: readonly KnownKey[]): string[] {
  const types = [...new Set(known.map(({ type }) => type))];
  return types.flatMap((type) => (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type]));
}
