// The program that the fault test of the state folder crashes: changes every durable file of the agent a few times, and
// says on standard output what is durable once it is.
import { writeSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseMark } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { MarkKeeper } from "../mark-keeper.ts";
import { StateFolder, type StoredCertificate } from "../state-folder.ts";

const say = (line: string) => void writeSync(1, `${line}\n`);
const certificate = (serial: string): StoredCertificate => ({
  ...{ serial, keyPem: `key ${serial}`, chainPem: `chain ${serial}`, issuedAtMs: 1, notAfterMs: 2 },
});

const state = new StateFolder(join(process.argv[2]!, "agent"));
const mark = (generation: number): DatabaseMark => ({
  ...{ systemId: "s", generation, position: 1n, life: "life", seal: Buffer.from("seal") },
});
const keys = { identityKeyPem: "identity key", sealingSecretKey: "secret", sealingPublicKey: "public" };
const who = { clusterId: "c", agentId: "a", agentAddress: "h:1", apiAddress: "h:2", reachedBy: "h" };
const acts: [string, () => void][] = [
  ["keys", () => state.saveKeys(keys)],
  ["identity 1", () => state.saveIdentity({ ...keys, ...who, agentName: "1" })],
  ["authorities 1", () => state.saveAuthorities("authority 1")],
  ["current 1", () => state.saveCertificate("current", certificate("1"))],
  ["mark 1", () => new MarkKeeper(state.file("mark.json")).hear(mark(1))],
  ["next 2", () => state.saveCertificate("next", certificate("2"))],
  ["current 2", () => state.promoteNext()],
  ["identity 2", () => state.saveIdentity({ ...keys, ...who, agentName: "2" })],
  ["next 3", () => state.saveCertificate("next", certificate("3"))],
  ["next none", () => state.dropNext()],
  ["mark 2", () => new MarkKeeper(state.file("mark.json")).hear(mark(2))],
];
for (const [what, act] of acts) {
  say(`begin ${what}`);
  act();
  say(`durable ${what}`);
}
