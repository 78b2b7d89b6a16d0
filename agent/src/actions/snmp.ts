// `uses: snmp`: values of a device.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Credential } from "@opsconductor/contract/job/actions/credential-file";
import { parseDuration } from "@opsconductor/contract/job/duration";
import type { Session, Varbind } from "net-snmp";
import { type Action, ActionFailed } from "./action.ts";
import { readCredential } from "./support/credentials.ts";

type Parameters = ActionParameters<"snmp">;
type Library = typeof import("net-snmp");

export const snmp: Action<Parameters> = async (parameters, context) => {
  const { host, get, expect } = parameters;
  const library = (await import("net-snmp")).default as Library;
  const known = await readCredential(parameters.credential, context);
  const session = open(library, parameters, known);
  try {
    const names = Object.keys(get);
    const found = await read(session, parameters, known);
    const outputs = Object.fromEntries(names.map((name, index) => [name, textOf(library, found[index]!, name, host)]));
    for (const name of names) context.log(`${name} = ${outputs[name]}`);
    for (const [name, wanted] of Object.entries(expect))
      if (outputs[name] !== wanted)
        throw new ActionFailed(`${name} of ${host} is ${outputs[name] ?? "not read"}, not ${wanted}`, { outputs });
    return { changes: [], outputs, message: `${names.length} values of ${host}` };
  } finally {
    session.close();
  }
};

function open(library: Library, { host, port, version, timeout, credential }: Parameters, known: Credential): Session {
  const options = { port, timeout: Math.max(1, Math.floor(parseDuration(timeout)! / 3)), retries: 2 };
  if (version === "2c") {
    if (known.community === undefined) throw new ActionFailed(`the credential ${credential} needs community`);
    return library.createSession(host, known.community, { ...options, version: library.Version2c });
  }
  return library.createV3Session(
    host,
    userOf(library, known, credential) as never,
    { ...options, version: library.Version3 } as never,
  );
}

function userOf(library: Library, known: Credential, credential: string): object {
  const { username, authProtocol, authKey, privProtocol, privKey } = known;
  if (username === undefined) throw new ActionFailed(`the credential ${credential} needs username`);
  const { SecurityLevel, AuthProtocols, PrivProtocols } = library as unknown as Record<string, Record<string, number>>;
  if (authKey === undefined) return { name: username, level: SecurityLevel!.noAuthNoPriv };
  const auth = { name: username, authProtocol: AuthProtocols![authProtocol ?? "sha"], authKey };
  if (privKey === undefined) return { ...auth, level: SecurityLevel!.authNoPriv };
  return { ...auth, level: SecurityLevel!.authPriv, privProtocol: PrivProtocols![privProtocol ?? "aes"], privKey };
}

function read(session: Session, parameters: Parameters, known: Credential): Promise<Varbind[]> {
  const wanted = Object.values(parameters.get).map((oid) => oid.replace(/^\./, ""));
  return new Promise((resolve, reject) => {
    session.get(wanted, (error, found) => {
      if (error) reject(new ActionFailed(reasonOf(error, parameters, known), { cause: error }));
      else resolve(found as Varbind[]);
    });
  });
}

/** What a device counts and reports when it refuses a message of version 3 (RFC 3414, 3.2), as the library says it. */
function reasonOf(error: Error, { host, credential, timeout }: Parameters, { username }: Credential): string {
  const about = `of the credential ${credential}`;
  const said = error.message;
  if (error.name === "RequestTimedOutError") return `${host} gave no answer within ${timeout}`;
  if (/unknown user name/i.test(said)) return `${host} does not know the user ${username} ${about}`;
  if (/wrong digest/i.test(said)) return `${host} refuses the authKey or authProtocol ${about}: ${said}`;
  if (/decryption error/i.test(said)) return `${host} refuses the privKey or privProtocol ${about}: ${said}`;
  if (/unsupported security level/i.test(said))
    return `${host} has no such protection for the user ${username}: give authKey and privKey in the credential ${credential} as it wants them`;
  if (/authorizationerror/i.test(said)) return `${host} does not let the user ${username} read this so: ${said}`;
  return `${host} gave no answer: ${said}`;
}

function textOf(library: Library, found: Varbind, name: string, host: string): string {
  if (library.isVarbindError(found as never))
    throw new ActionFailed(`${host} has no ${name}: ${library.varbindError(found as never)}`);
  const value = found.value as unknown;
  if (!Buffer.isBuffer(value)) return String(value);
  if (found.type === library.ObjectType.Counter64) return BigInt(`0x${value.toString("hex") || "0"}`).toString();
  const text = value.toString("utf8");
  // Addresses and other bytes that are no text.
  return /^[\P{C}\s]*$/u.test(text) && Buffer.from(text).equals(value) ? text : value.toString("hex");
}
