// The three messages of NTLM version 2 as [MS-NLMP] has them, for a connection that TLS protects: nothing is signed or
// sealed besides. Used by winrm-connection.ts. Pure, but for what is random.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { md4 } from "./md4.ts";

export interface NtlmUser {
  username: string;
  domain: string;
  password: string;
}

/** 2.2.2.5: UNICODE, REQUEST_TARGET, NTLM, ALWAYS_SIGN, EXTENDED_SESSIONSECURITY, TARGET_INFO, 128, 56. */
const flags = 0xa0888205;
const signature = Buffer.from("NTLMSSP\0", "latin1");
/** 2.2.2.1, AV_PAIR. */
const pair = { end: 0, flags: 6, timestamp: 7, channelBindings: 10 };
/** The place of the MIC in the third message, behind eight fields and the version. */
const micAt = 72;

/** 2.2.1.1 */
export function negotiateMessage(): Buffer {
  const message = Buffer.alloc(40);
  signature.copy(message);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(flags, 12);
  return message;
}

export interface Challenge {
  server: Buffer;
  targetInfo: Buffer;
}

/** 2.2.1.2. Throws when it is none. */
export function readChallenge(message: Buffer): Challenge {
  if (message.length < 48 || !message.subarray(0, 8).equals(signature) || message.readUInt32LE(8) !== 2)
    throw new Error("its answer is no NTLM challenge");
  const [length, at] = [message.readUInt16LE(40), message.readUInt32LE(44)];
  if (at + length > message.length) throw new Error("its NTLM challenge is cut off");
  return { server: message.subarray(24, 32), targetInfo: message.subarray(at, at + length) };
}

/** 3.3.2: NTOWFv2. */
export function ntlmKey({ username, domain, password }: NtlmUser): Buffer {
  return hmac(md4(wide(password)), wide(username.toUpperCase() + domain));
}

export interface Response {
  /** NtChallengeResponse: the proof and what it is about. */
  nt: Buffer;
  sessionKey: Buffer;
}

/** 3.3.2: ComputeResponse. */
export function respond(key: Buffer, server: Buffer, client: Buffer, time: Buffer, targetInfo: Buffer): Response {
  const head = Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]);
  const temp = Buffer.concat([head, time, client, Buffer.alloc(4), targetInfo, Buffer.alloc(4)]);
  const proof = hmac(key, Buffer.concat([server, temp]));
  return { nt: Buffer.concat([proof, temp]), sessionKey: hmac(key, proof) };
}

/** 2.2.1.3, with a MIC over all three. `certificate`: of the server, as its hash for channel bindings. */
export function authenticateMessage(
  user: NtlmUser,
  negotiate: Buffer,
  challengeMessage: Buffer,
  certificateHash: Buffer,
): Buffer {
  const { server, targetInfo } = readChallenge(challengeMessage);
  const pairs = readPairs(targetInfo);
  const time = pairs.get(pair.timestamp) ?? now();
  pairs.set(pair.timestamp, time);
  pairs.set(pair.flags, Buffer.from([2, 0, 0, 0])); // a MIC is there
  pairs.set(pair.channelBindings, channelBindings(certificateHash));
  const { nt, sessionKey } = respond(ntlmKey(user), server, randomBytes(8), time, writePairs(pairs));
  const message = layOut([Buffer.alloc(24), nt, wide(user.domain), wide(user.username), wide("OPSCONDUCTOR")]);
  hmac(sessionKey, Buffer.concat([negotiate, challengeMessage, message])).copy(message, micAt);
  return message;
}

/** LM response, NT response, domain, user, workstation; no session key. */
function layOut(fields: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(micAt + 16);
  signature.copy(header);
  header.writeUInt32LE(3, 8);
  let at = header.length;
  for (const [index, field] of [...fields, Buffer.alloc(0)].entries()) {
    const place = 12 + index * 8;
    header.writeUInt16LE(field.length, place);
    header.writeUInt16LE(field.length, place + 2);
    header.writeUInt32LE(at, place + 4);
    at += field.length;
  }
  header.writeUInt32LE(flags, 60);
  return Buffer.concat([header, ...fields]);
}

function readPairs(info: Buffer): Map<number, Buffer> {
  const pairs = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= info.length; ) {
    const [id, length] = [info.readUInt16LE(at), info.readUInt16LE(at + 2)];
    if (id === pair.end) break;
    pairs.set(id, info.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return pairs;
}

function writePairs(pairs: ReadonlyMap<number, Buffer>): Buffer {
  const parts = [...pairs, [pair.end, Buffer.alloc(0)] as const].flatMap(([id, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id, 0);
    head.writeUInt16LE(value.length, 2);
    return [head, value];
  });
  return Buffer.concat(parts);
}

/** RFC 5929, tls-server-end-point, in the structure that 3.1.5.1.2 hashes with MD5. */
function channelBindings(certificateHash: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from("tls-server-end-point:"), certificateHash]);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return createHash("md5").update(head).update(data).digest();
}

/** Tenths of microseconds since 1601. */
function now(): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(Date.now()) + 11_644_473_600_000n) * 10_000n);
  return time;
}

function hmac(key: Buffer, message: Buffer): Buffer {
  return createHmac("md5", key).update(message).digest();
}

function wide(text: string): Buffer {
  return Buffer.from(text, "utf16le");
}
