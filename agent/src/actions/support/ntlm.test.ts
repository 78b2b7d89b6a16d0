import { expect, test } from "vitest";
import { md4 } from "./md4.ts";
import { authenticateMessage, negotiateMessage, ntlmKey, readChallenge, respond } from "./ntlm.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test.each([
  ["", "31d6cfe0d16ae931b73c59d7e0c089c0"],
  ["a", "bde52cb31de33e46245e05fbdbd6fb24"],
  ["abc", "a448017aaf21d8525fc10ae87aa6729d"],
  ["message digest", "d9130a8164549fe818874806e1c7014b"],
  ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4"],
  ["1234567890".repeat(8), "e33b4ddc9c38f2199c3e7b164fcc0536"],
])("MD4 of %j is as RFC 1320 has it", (text, digest) => {
  expect(md4(Buffer.from(text)).toString("hex")).toBe(digest);
});

// [MS-NLMP] 4.2.1 and 4.2.4.
const user = { username: "User", domain: "Domain", password: "Password" };
const challenge = hex(
  "4e544c4d53535000 02000000 0c000c00 38000000 33828ae2 0123456789abcdef 0000000000000000 24002400 44000000" +
    "06007017 0000000f 530065007200760065007200 02000c00 44006f006d00610069006e00 01000c00 530065007200760065007200 00000000",
);

test("keys and proofs are those of the specification", () => {
  const key = ntlmKey(user);
  expect(key.toString("hex")).toBe("0c868a403bfd7a93a3001ef22ef02e3f");
  const { server, targetInfo } = readChallenge(challenge);
  expect(server.toString("hex")).toBe("0123456789abcdef");
  const { nt, sessionKey } = respond(key, server, hex("aaaaaaaaaaaaaaaa"), Buffer.alloc(8), targetInfo);
  expect(nt.subarray(0, 16).toString("hex")).toBe("68cd0ab851e51c96aabc927bebef6a1c");
  expect(sessionKey.toString("hex")).toBe("8de40ccadbc14a82f15cb0ad0de95ca3");
});

test("the last message names user and domain, and nothing that is no challenge is answered", () => {
  const message = authenticateMessage(user, negotiateMessage(), challenge, Buffer.alloc(32));
  const field = (index: number) => {
    const at = 12 + index * 8;
    return message.subarray(message.readUInt32LE(at + 4), message.readUInt32LE(at + 4) + message.readUInt16LE(at));
  };
  expect([2, 3].map((index) => field(index).toString("utf16le"))).toEqual(["Domain", "User"]);
  for (const wrong of [Buffer.alloc(0), Buffer.alloc(60), challenge.subarray(0, 60)])
    expect(() => readChallenge(wrong)).toThrow(/challenge/);
});
