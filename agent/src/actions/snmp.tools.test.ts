import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ActionBench } from "./testing/action-bench.ts";
import { ToolRoom } from "./testing/tool-room.ts";

const bench = new ActionBench();
const room = new ToolRoom(["snmpd"]);
const folder = mkdtempSync(join(room.folder, "tmp/snmp-"));
const inside = folder.slice(room.folder.length);
let daemon: ChildProcess;
let port: number;

const users = [
  { name: "ops256", auth: "SHA-256", authProtocol: "sha256", priv: "AES", privProtocol: "aes" },
  { name: "ops512", auth: "SHA-512", authProtocol: "sha512", priv: "AES", privProtocol: "aes" },
  { name: "opssha", auth: "SHA", authProtocol: "sha", priv: "AES", privProtocol: "aes" },
];
const [authKey, privKey] = ["a long word for auth", "a long word for priv"];

beforeAll(async () => {
  port = await freeUdpPort();
  const configuration = [
    ...users.map(({ name, auth, priv }) => `createUser ${name} ${auth} "${authKey}" ${priv} "${privKey}"`),
    ...users.map(({ name }) => `rouser ${name} authpriv`),
    `agentAddress udp:127.0.0.1:${port}`,
    "sysName ups-1",
    "sysLocation a cellar",
  ];
  writeFileSync(join(folder, "snmpd.conf"), configuration.join("\n"));
  const args = ["-f", "-Lo", "-C", "-c", `${inside}/snmpd.conf`, "-p", `${inside}/pid`, "-x", `unix:${inside}/agentx`];
  const env = { ...room.environment, SNMP_PERSISTENT_DIR: inside };
  daemon = spawn("snmpd", args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [daemon.stdout!, daemon.stderr!])
    stream.setEncoding("utf8").on("data", (text) => (said += text));
  await until("snmpd is ready", () => said.includes("NET-SNMP version"));
});
afterAll(async () => {
  daemon.kill();
  await once(daemon, "exit");
  rmSync(folder, { recursive: true });
  bench.close();
  room.close();
});

const credential = (name: string, known: object) => bench.write(`${name}.yaml`, JSON.stringify(known), 0o600);
const wish = (more: object = {}) => ({
  ...{ host: "127.0.0.1", port, version: "3", credential: "ups", timeout: "3s" },
  get: { name: "1.3.6.1.2.1.1.5.0", place: ".1.3.6.1.2.1.1.6.0", up: "1.3.6.1.2.1.1.3.0" },
  ...more,
});

describe("snmp version 3 with net-snmp's own daemon", () => {
  test.each(users)("signed with $auth and encrypted with $priv", async ({ name, authProtocol, privProtocol }) => {
    credential("ups", { username: name, authProtocol, authKey, privProtocol, privKey });
    const { outputs, changed } = await bench.run("snmp", wish({ expect: { name: "ups-1" } }));
    expect([outputs.name, outputs.place, changed]).toEqual(["ups-1", "a cellar", false]);
    expect(Number(outputs.up)).toBeGreaterThan(0);
  });

  test("a wrong word, another protocol, an unknown user and too little protection say what they are", async () => {
    const right = { username: "ops256", authProtocol: "sha256", authKey, privProtocol: "aes", privKey };
    const refused = (known: object) => {
      credential("ups", known);
      return expect(bench.run("snmp", wish())).rejects;
    };
    await refused({ ...right, authKey: "another long word" }).toThrow(/authKey or authProtocol/);
    await refused({ ...right, authProtocol: "sha512" }).toThrow(/authKey or authProtocol/);
    await refused({ ...right, username: "nobody" }).toThrow(/does not know the user nobody/);
    await refused({ ...right, privKey: "another long word" }).toThrow(/privKey|gave no answer/);
    await refused({ username: "ops256", authProtocol: "sha256", authKey }).toThrow(
      /may not read|authPriv|authorization/i,
    );
  });

  test("what the device does not have, and a device that does not answer", async () => {
    credential("ups", { username: "ops256", authProtocol: "sha256", authKey, privProtocol: "aes", privKey });
    await expect(bench.run("snmp", wish({ get: { x: "1.3.6.1.2.1.99.1.0" } }))).rejects.toThrow("127.0.0.1 has no x");
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    const unanswered = bench.run("snmp", wish({ port: silent.address().port, timeout: "300ms" }));
    await expect(unanswered).rejects.toThrow("127.0.0.1 gave no answer within 300ms");
    silent.close();
  });
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const found = socket.address().port;
  socket.close();
  return found;
}
