// What an auditor would try on a real controller and a real agent. Secrets of every class pass through, and are looked for
// afterwards: in every file of the data folder (database, WAL, logs: a backup holds the same), in the log, in the export of
// the audit log, and in memory (`npm run canaries` prints what memory keeps, class by class; the database's rows are
// searched by canaries.db.test.ts). And the audit log is rewritten in the database, which the agent's checkpoints tell.

import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./devstack/api.ts";
import { type Devstack, repositoryRoot, startDevstack } from "./devstack/devstack.ts";
import { stackDatabase } from "./devstack/stack-database.ts";
import { onlineAgent } from "./devstack/story.ts";
import { waitFor } from "./devstack/wait-for.ts";

const adminPassword = "a-password-of-canaries";
const password = "canary-password-of-a-person-81723";
const clientSecret = "canary-client-secret-5512907733";
const secrets = new Map<string, string>();
let stack: Devstack;
let admin: Api;

beforeAll(async () => {
  const oidc = { OC_OIDC_ISSUER: "http://127.0.0.1:9", OC_OIDC_CLIENT_ID: "oc", OC_OIDC_CLIENT_SECRET: clientSecret };
  stack = await startDevstack({ adminPassword, localAgent: true, env: { ...oidc, LOG_LEVEL: "trace" } });
  admin = await Api.signIn(stack.url, "admin", adminPassword);
  await plant();
});
afterAll(async () => {
  await stack?.stop();
});

async function plant(): Promise<void> {
  secrets.set("password", password);
  secrets.set("OIDC client secret", clientSecret);
  const { link } = await admin.post<{ link: { token: string } }>("/api/v1/users", {
    username: "ann",
    roles: ["viewer"],
  });
  secrets.set("link of an invitation", link.token.split(".").at(-1)!);
  await admin.request("POST", "/api/v1/auth/password-link", { token: link.token, newPassword: password });
  const login = await new Api(stack.url).request<{ accessToken: string }>("POST", "/api/v1/auth/login", {
    username: "ann",
    password,
  });
  secrets.set("refresh cookie", /oc_refresh=([^;]+)/.exec(login.headers.get("set-cookie")!)![1]!);
  secrets.set("access token", login.body.accessToken);
  const ann = new Api(stack.url, login.body.accessToken);
  const { secret } = await ann.post<{ secret: string }>("/api/v1/auth/factors/totp");
  secrets.set("key of an authenticator", secret);
  const confirmed = await ann.post<{ codes: string[] }>("/api/v1/auth/factors/totp/confirm", { code: codeOf(secret) });
  secrets.set("recovery code", confirmed.codes[0]!);
  const { token } = await ann.post<{ token: string }>("/api/v1/auth/tokens", { name: "script", scopes: ["jobs:read"] });
  secrets.set("API token", token);
  await new Api(stack.url, token).get("/api/v1/jobs");
  await onlineAgent(admin);
  for (const [i, key] of privateKeys().entries()) secrets.set(`key of the agent ${i + 1}`, key);
  await ann.post("/api/v1/auth/logout");
}

/** RFC 6238, of this half minute. */
function codeOf(base32: string): string {
  const bits = [...base32]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1)! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** The host's own part of the folder. */
const hostFolder = () => join(stack.dataDir, "local-agent");

/** As the agent's files have them. */
function privateKeys(): string[] {
  const texts = filesIn(hostFolder()).map((file) => readFileSync(file, "latin1"));
  const pem = texts.flatMap((text) => [...text.matchAll(/BEGIN PRIVATE KEY-----(?:\\n|\s)+([A-Za-z0-9+/=]{40,})/g)]);
  const sealing = texts.flatMap((text) => [...text.matchAll(/"sealingSecretKey":\s*"([^"]+)"/g)]);
  return [...new Set([...pem, ...sealing].map((match) => match[1]!))];
}

const agentCommand = (...args: string[]) =>
  spawnSync(
    process.execPath,
    [join(repositoryRoot, "agent/src/main.ts"), ...args, "--state-dir", dirname(checkpointsFile()!)],
    { encoding: "utf8" },
  );

const checkpointsFile = () => filesIn(hostFolder()).find((file) => file.endsWith("audit-checkpoints.json"));

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** PostgreSQL takes files away while one looks. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return Buffer.alloc(0);
  }
}

/** As it is, and as a file, a log or a heap may have made of it. */
function formsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const texts = [bytes.toString("hex"), bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url")];
  return [bytes, Buffer.from(secret, "utf16le"), ...texts.map((text) => Buffer.from(text))];
}

function foundIn(bytes: Buffer): string[] {
  return [...secrets]
    .filter(([, secret]) => formsOf(secret).some((form) => bytes.includes(form)))
    .map(([name]) => name);
}

/** How often each class of secret stands in what a process may write to; undefined where the system lets nobody look. */
function foundInMemory(pid: number): Record<string, number> | undefined {
  const counts: Record<string, number> = Object.fromEntries([...secrets.keys()].map((name) => [name, 0]));
  let memory: number;
  try {
    memory = openSync(`/proc/${pid}/mem`, "r");
  } catch {
    return undefined; // another system, or ptrace is forbidden
  }
  const maps = readFileSync(`/proc/${pid}/maps`, "latin1").matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm);
  for (const [, from, to] of maps) {
    const [begin, end] = [Number.parseInt(from!, 16), Number.parseInt(to!, 16)];
    for (let at = begin; at < end; at += piece) {
      const bytes = readMemory(memory, at, Math.min(piece + overlap, end - at));
      for (const [name, secret] of secrets)
        for (const form of formsOf(secret).slice(0, 2)) counts[name]! += countOf(bytes, form);
    }
  }
  closeSync(memory);
  return counts;
}

const [piece, overlap] = [16 * 1024 * 1024, 1024];

function readMemory(memory: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, length, at));
  } catch {
    return bytes.subarray(0, 0); // the process gave this piece back meanwhile
  }
}

function countOf(bytes: Buffer, form: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + form.length)) count++;
  return count;
}

test("secrets of every class were used, and would be seen", () => {
  expect([...secrets.keys()].filter((name) => name.startsWith("key of the agent")).length).toBeGreaterThanOrEqual(2);
  expect(secrets.size).toBeGreaterThanOrEqual(10);
  for (const [name, secret] of secrets) {
    expect([name, secret?.length >= 10]).toEqual([name, true]);
    for (const form of formsOf(secret)) expect(foundIn(Buffer.concat([Buffer.from("x"), form]))).toContain(name);
  }
});

test("no file of the data folder and no line of the log holds one, at the finest level", async () => {
  await waitFor("the log of what was done", () => stack.log().includes("/api/v1/auth/tokens") || undefined);
  expect(foundIn(Buffer.from(stack.log()))).toEqual([]);
  const files = filesIn(stack.dataDir).filter((file) => !file.startsWith(hostFolder()));
  expect(files.length).toBeGreaterThan(500);
  for (const file of files) expect([file, foundIn(contentOf(file))]).toEqual([file, []]);
});

test("no export of the audit log holds one", async () => {
  for (const format of ["jsonl", "csv"]) {
    const bytes = Buffer.from(await admin.bytes(`/api/v1/audit/export?format=${format}`));
    expect(bytes.length).toBeGreaterThan(1000);
    expect(foundIn(bytes)).toEqual([]);
  }
});

test("the controller's memory never had what belongs to the host alone", () => {
  const counts = foundInMemory(stack.controller().pid);
  if (!counts) return console.warn("memory was not looked at: this system lets nobody read it");
  console.log(JSON.stringify({ canaries: "memory", seconds: Math.round(process.uptime()), counts }));
  for (const name of secrets.keys())
    if (name.startsWith("key of the agent")) expect([name, counts[name]]).toEqual([name, 0]);
});

test("the host keeps checkpoints of the log, and a log that was rewritten meanwhile is told when the agent comes back", async () => {
  const kept = await waitFor(
    "a checkpoint on the host",
    () => {
      if (!checkpointsFile()) return undefined;
      const { status, stdout } = agentCommand("audit", "--json");
      return status === 0 ? (JSON.parse(stdout) as { checkpoints: { position: string }[]; fork?: unknown }) : undefined;
    },
    { timeoutMs: 90_000 },
  );
  expect([kept.checkpoints.length > 0, kept.fork]).toEqual([true, undefined]);
  const { position } = kept.checkpoints.at(-1)!;
  const owner = stackDatabase(stack);
  const { count } = await owner`
    update communication.audit_chain set hash = sha256('rewritten') where position = ${String(position)}::bigint`;
  await owner.end();
  expect(count).toBe(1);
  await stack.stopController();
  await stack.startController();
  admin = await Api.signIn(stack.url, "admin", adminPassword);
  const found = await waitFor("the fork", async () => {
    const forks = await admin.get<{ items: { id: string; kind: string }[]; open: number }>("/api/v1/audit/forks");
    return forks.open > 0 ? forks.items[0] : undefined;
  });
  expect(found).toMatchObject({ kind: "chain_differs", proven: true });
});
