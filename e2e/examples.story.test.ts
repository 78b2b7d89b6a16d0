// The jobs of samples/operations, each run for real by an agent of this machine: real files, processes, certificates,
// requests and a real database. Packages, services and accounts of the machine answer through stand-ins.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { ApprovalDetail } from "@opsconductor/contract/api/approvals";
import type { Step } from "@opsconductor/contract/api/executions";
import { connect, type SocketConnection, type Sql } from "@opsconductor/database/connect";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { Api } from "./devstack/api.ts";
import { BalancedTier } from "./devstack/balanced-tier.ts";
import { type Devstack, repositoryRoot, startDevstack } from "./devstack/devstack.ts";
import { ExtraAgent } from "./devstack/extra-agent.ts";
import { databaseConnection } from "./devstack/stack-database.ts";
import { type Program, type ProgramCall, StandInPrograms } from "./devstack/stand-in-programs.ts";
import { createJob, execute, onlineTarget, stepsOf, untilState } from "./devstack/story.ts";
import { waitFor } from "./devstack/wait-for.ts";

const password = "a-password-for-examples";
const over = ["succeeded", "failed", "partial", "cancelled", "timed_out", "skipped"];
const samples = join(repositoryRoot, "samples/operations");
let stack: Devstack;
let api: Api;
let second: Api;
let agent: ExtraAgent;
let host: string;
let standIns: StandInPrograms;
let wellServer: Server;

/** What the programs of the host do; each test puts its own here. */
const programs: Record<string, Program> = {};
const names = [
  "apt-get",
  "dpkg-query",
  "systemctl",
  "rc-service",
  "rc-update",
  "getent",
  "usermod",
  "pkill",
  "crontab",
];
const databaseNames = ["pg_dump", "pg_restore", "createdb", "dropdb", "psql"];

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  const standing = [...names, ...databaseNames].map((name): [string, Program] => [
    name,
    (call) => programs[name]!(call),
  ]);
  standIns = await StandInPrograms.start(join(stack.folder, "stand-ins"), Object.fromEntries(standing));
  api = await Api.signIn(stack.url, "admin", password);
  agent = new ExtraAgent(stack, "examples-1", { env: { PATH: `${standIns.folder}:${process.env.PATH}` } });
  const { token } = await api.post<{ token: string }>("/api/v1/enrollment-tokens");
  expect(agent.enroll(token)).toMatchObject({ code: 0 });
  agent.start();
  wellServer = createServer((_, response) => response.end("well")).listen(0, "127.0.0.1");
  host = (await onlineTarget(api)).name;
  for (const file of readdirSync(samples)) await createJob(api, readFileSync(join(samples, file), "utf8"));
  second = await secondPerson();
});
afterAll(async () => {
  await standIns?.close();
  wellServer?.close();
  await agent?.stop();
  await stack?.stop();
});

async function secondPerson(): Promise<Api> {
  const { link } = await api.post<{ link: { token: string } }>("/api/v1/users", {
    username: "dana",
    roles: ["manager"],
  });
  const open = new Api(stack.url);
  await open.post("/api/v1/auth/password-link", { token: link.token, newPassword: "four-sparrows-at-dusk" });
  return Api.signIn(stack.url, "dana", "four-sparrows-at-dusk");
}

const showLogOnFailure = () =>
  onTestFailed(() => console.error(stack.log().split("\n").slice(-20).join("\n"), agent.log()));

/** Hosts that this one agent looks after, as a gateway does. */
async function addTargets(targets: readonly string[], labels: Record<string, string>): Promise<void> {
  const { managedByAgentId } = await api.get<{ managedByAgentId: string }>(`/api/v1/targets/${host}`);
  for (const name of targets) await api.post("/api/v1/targets", { name, labels, managedByAgentId });
}

/** Runs it to its end, agreed to by the second person where it asks for that. */
async function run(job: string, options: { inputs?: Record<string, unknown>; targets?: { names: string[] } }) {
  const { id, state } = await execute(api, job, { targets: { names: [host] }, ...options });
  if (state === "awaiting_approval") await approve(id);
  const execution = await untilState(api, id, over, 100_000);
  const steps = await stepsOf(api, id);
  return { id, execution, steps };
}

async function approve(id: string): Promise<void> {
  const { contentSha256 } = await second.get<ApprovalDetail>(`/api/v1/approvals/${id}`);
  const decision = { decision: "approve", comment: "", contentSha256 };
  expect((await api.request("POST", `/api/v1/approvals/${id}/decide`, decision)).status).toBe(409); // who asked
  await second.post(`/api/v1/approvals/${id}/decide`, decision);
}

const statesOf = (steps: readonly Step[]) => Object.fromEntries(steps.map((step) => [step.stepId, step.state]));
const outputOf = async (id: string, step: string) =>
  Buffer.from(await api.bytes(`/api/v1/executions/${id}/output.txt?target=${host}&step=${step}`)).toString();

/** A service manager, systemd's or OpenRC's words, that calls `act` for what changes something. */
function services(act: (verb: string, name: string, target: string) => number | Promise<number>): void {
  programs.systemctl = async ({ args, target }) => {
    if (args[0] === "show") return { stdout: "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n" };
    return { code: await act(args[0]!, args.at(-1)!, target) };
  };
  programs["rc-service"] = async ({ args: [name, verb], target }) =>
    name === "--exists" || verb === "status" ? {} : { code: await act(verb!, name!, target) };
  programs["rc-update"] = () => ({});
}

test("patch-web-tier: the second person agrees, a bad canary stops it, and the next time all hosts are patched in batches", async () => {
  showLogOnFailure();
  const targets = ["web-1", "web-2", "web-3"];
  await addTargets(targets, { role: "web" });
  const version: Record<string, string> = {};
  const restarted: string[] = [];
  let broken = "web-1";
  services((verb, name, target) => {
    restarted.push(`${verb} ${name} on ${target}`);
    return target === broken ? 1 : 0;
  });
  programs["dpkg-query"] = ({ target }) => ({ stdout: `ii \tnginx\tamd64\t${version[target] ?? "1.0"}\n` });
  programs["apt-get"] = ({ args, target }) => {
    if (args.includes("update")) return {};
    const old = version[target] ?? "1.0";
    if (!args.includes("-s")) version[target] = "1.1";
    return old === "1.1" ? {} : { stdout: `Inst nginx [${old}] (1.1 lab [amd64])\n` };
  };
  const health = `http://127.0.0.1:${(wellServer.address() as AddressInfo).port}/`;
  const order = { inputs: { packages: ["nginx"], health, restart: false }, targets: { names: targets } };

  const stopped = await run("patch-web-tier", order);
  expect(stopped.execution).toMatchObject({ state: "failed", counts: { failed: 1, skipped: 2 } });
  expect(restarted).toEqual(["restart nginx on web-1"]);
  expect(version).toEqual({ "web-1": "1.1" });

  broken = "";
  const patched = await run("patch-web-tier", order);
  expect(patched.execution).toMatchObject({ state: "succeeded", counts: { succeeded: 3 } });
  expect(version).toEqual(Object.fromEntries(targets.map((name) => [name, "1.1"])));
  // What was new already is left alone.
  expect(restarted.slice(1)).toEqual(["web-2", "web-3"].map((name) => `restart nginx on ${name}`));
});

test("rolling-restart: no request is lost while every host goes down once, and never two at a time", async () => {
  showLogOnFailure();
  const targets = ["127.0.0.21", "127.0.0.22"];
  await addTargets(targets, { role: "app" });
  const tier = await BalancedTier.start(targets);
  try {
    services(async (_verb, _name, target) => tier.restart(target).then(() => 0));
    const inputs = { balancer: tier.url, backend: "tier", drain: "100ms", port: tier.port, path: "/" };
    const { execution } = await run("rolling-restart", { inputs, targets: { names: targets } });
    expect(execution).toMatchObject({ state: "succeeded", counts: { succeeded: 2 } });
    expect(tier.restarts).toEqual(targets);
    expect(tier.mostOut).toBe(1);
    expect(tier.lost).toEqual([]);
    expect(tier.served).toBeGreaterThan(20);
  } finally {
    await tier.close();
  }
});

test("rotate-logs: a program that writes all the time loses no line, and what is old goes", async () => {
  showLogOnFailure();
  const folder = join(stack.folder, "app logs");
  mkdirSync(folder);
  const log = join(folder, "app.log");
  const ancient = join(folder, "app.log.20200101T000000Z.gz");
  writeFileSync(ancient, "");
  utimesSync(ancient, new Date(0), new Date(0));
  writeFileSync(join(folder, "small.log"), "small\n");
  const writer = writingProgram(log);
  try {
    await waitFor("a large log", () => existsSync(log) && readFileSync(log).length > 2048);
    services((verb) => (verb === "reload" && writer.kill("SIGHUP") ? 0 : 1));
    const { execution } = await run("rotate-logs", { inputs: { folder, larger_than_kib: 1, keep_days: 30 } });
    expect(execution.state).toBe("succeeded");
    await waitFor("the new log to grow", () => readFileSync(log).length > 1000);
  } finally {
    const ended = new Promise((resolve) => writer.once("exit", resolve));
    writer.kill("SIGTERM");
    await ended;
  }
  const packed = readdirSync(folder).filter((name) => name.endsWith(".gz"));
  expect(packed).toEqual([expect.stringMatching(/^app\.log\.\d{8}T\d{6}Z\.gz$/)]);
  const lines = `${gunzipSync(readFileSync(join(folder, packed[0]!)))}${readFileSync(log)}`.trimEnd().split("\n");
  expect(lines).toEqual(lines.map((_, index) => `line ${index}`));
  expect(readFileSync(join(folder, "small.log"), "utf8")).toBe("small\n");
});

/** Writes numbered lines, and opens its log again at HUP, as servers do. */
function writingProgram(log: string): ChildProcess {
  const program = `const fs = require("node:fs"); let file = fs.openSync(${JSON.stringify(log)}, "a"), line = 0;
    process.on("SIGHUP", () => { fs.closeSync(file); file = fs.openSync(${JSON.stringify(log)}, "a"); });
    setInterval(() => { for (let i = 0; i < 10; i++) fs.writeSync(file, "line " + line++ + "\\n"); }, 5);`;
  return spawn(process.execPath, ["-e", program], { stdio: "ignore" });
}

test("certificate-expiry: a host fails when one of its certificates expires soon, and says which", async () => {
  showLogOnFailure();
  const folder = join(stack.folder, "tls");
  mkdirSync(folder);
  const make = (name: string, days: number) => {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      join(folder, `${name}.key`),
    ];
    const made = [
      "req",
      "-x509",
      ...key,
      "-subj",
      `/CN=${name}`,
      "-days",
      `${days}`,
      "-out",
      join(folder, `${name}.pem`),
    ];
    execFileSync("openssl", made, { stdio: "ignore" });
  };
  make("later", 400);
  writeFileSync(join(folder, "no certificate.pem"), "something else\n");
  const inputs = { folders: [folder, join(stack.folder, "not there")], days: 30 };
  expect((await run("certificate-expiry", { inputs })).execution.state).toBe("succeeded");
  make("soon", 5);
  const { id, execution } = await run("certificate-expiry", { inputs });
  expect(execution.state).toBe("failed");
  expect(await outputOf(id, "certificates")).toMatch(/^! {5}[45] days .*soon\.pem\n {4}(399|400) days .*later\.pem\n$/);
  expect(await outputOf(id, "step-2")).toContain(`1 expire soon, first ${folder}/soon.pem`);
});

test("database-backup: the backup of a real database is restored and compared, and only the last ones are kept", async () => {
  showLogOnFailure();
  const owner = databaseConnection(stack);
  const folder = join(stack.folder, "backups");
  const shop = await makeShop(owner);
  try {
    databasePrograms(owner);
    const passwords = join(stack.folder, "pgpass");
    writeFileSync(passwords, `*:*:*:${owner.username}:${owner.password}\n`, { mode: 0o600 });
    const inputs = { database: "shop", folder, host: owner.socketDir, user: owner.username, passwords, keep: 1 };
    mkdirSync(folder);
    writeFileSync(join(folder, "shop-20200101T000000Z.dump"), "old");
    const { execution, steps } = await run("database-backup", { inputs });
    expect(execution.state, JSON.stringify(statesOf(steps))).toBe("succeeded");
    const backups = readdirSync(folder);
    expect(backups).toEqual([expect.stringMatching(/^shop-2\d{7}T\d{6}Z\.dump$/)]);
    expect(backups[0]).not.toContain("2020");
    expect(JSON.parse(readFileSync(join(folder, backups[0]!), "utf8"))).toMatchObject({
      orders: [{ id: 1 }, { id: 2 }],
    });
    const left = await shop`select datname from pg_database where datname like 'shop%'`;
    expect(left.map((row) => row.datname)).toEqual(["shop"]);
  } finally {
    await shop.end();
  }
});

/** Two orders in a database of the stack's own server. */
async function makeShop(owner: SocketConnection): Promise<Sql> {
  const admin = connect({ ...owner, database: "postgres" }, { max: 1 });
  await admin`create database shop`;
  await admin.end();
  const shop = connect({ ...owner, database: "shop" }, { max: 1 });
  await shop`create table orders as select n as id from generate_series(1, 2) n`;
  return shop;
}

/** PostgreSQL's own programs, as far as the job uses them: few machines have those of the newest server. */
function databasePrograms({ username }: SocketConnection): void {
  const named = (args: string[], option: string) =>
    args
      .find((arg) => arg.startsWith(`--${option}=`))!
      .split("=")
      .slice(1)
      .join("=");
  const within = async <T>(call: ProgramCall, database: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
    const password = readFileSync(call.env.PGPASSFILE!, "utf8").trim().split(":").at(-1)!;
    expect(call.env.PGUSER).toBe(username);
    const sql = connect({ socketDir: call.env.PGHOST!, database, username: call.env.PGUSER!, password }, { max: 1 });
    return work(sql).finally(() => sql.end());
  };
  programs.pg_dump = async (call) => {
    const dump = await within(call, named(call.args, "dbname"), async (sql) => {
      const tables = await sql<{ name: string }[]>`select relname as name from pg_stat_user_tables`;
      return Promise.all(tables.map(async ({ name }) => [name, await sql`select * from ${sql(name)}`] as const));
    });
    writeFileSync(named(call.args, "file"), JSON.stringify(Object.fromEntries(dump)));
    return {};
  };
  programs.pg_restore = async (call) => {
    const dump: Record<string, object[]> = JSON.parse(readFileSync(call.args.at(-1)!, "utf8"));
    await within(call, named(call.args, "dbname"), async (sql) => {
      for (const [table, rows] of Object.entries(dump))
        await sql`create table ${sql(table)} as select * from jsonb_array_elements(${JSON.stringify(rows)}::text::jsonb)`;
    });
    return {};
  };
  programs.psql = async (call) => {
    const rows = await within(call, named(call.args, "dbname"), (sql) => sql.unsafe(named(call.args, "command")));
    return { stdout: `${rows[0]!.count}\n` };
  };
  programs.createdb = (call) =>
    within(call, "postgres", (sql) => sql`create database ${sql(call.args[0]!)}`.then(() => ({})));
  programs.dropdb = (call) =>
    within(call, "postgres", (sql) => sql`drop database if exists ${sql(call.args.at(-1)!)}`.then(() => ({})));
}

test("user-offboarding: the account is locked, its keys are set aside, and a host without the person is done", async () => {
  showLogOnFailure();
  const home = join(stack.folder, "home-of-kim");
  const keys = join(home, ".ssh/authorized_keys");
  mkdirSync(join(home, ".ssh"), { recursive: true });
  writeFileSync(keys, "ssh-ed25519 AAAA kim\n");
  const told: string[] = [];
  const account = { shell: "/bin/bash", groups: ["staff", "sudo"], locked: false, crontab: "0 4 * * * backdoor\n" };
  programs.getent = ({ args: [database, name] }) => {
    if (database === "group") return { stdout: account.groups.map((one) => `${one}:x:50:kim\n`).join("") };
    if (name !== "kim") return { code: 2 };
    if (database === "shadow")
      return { stdout: `kim:${account.locked ? "!" : ""}$y$:1:::::${account.locked ? "1" : ""}:\n` };
    return { stdout: `kim:x:1007:1007:Kim:${home}:${account.shell}\n` };
  };
  programs.usermod = ({ args }) => {
    told.push(args.join(" "));
    if (args.includes("-L")) account.locked = true;
    if (args.includes("-s")) account.shell = args[args.indexOf("-s") + 1]!;
    if (args.includes("-G")) account.groups = args[args.indexOf("-G") + 1]!.split(",").filter(Boolean);
    return {};
  };
  programs.pkill = ({ args }) => ({ code: args.join(" ") === "-KILL -u kim" ? 1 : 99 });
  programs.crontab = ({ args }) => {
    if (args[0] === "-l") return account.crontab ? { stdout: account.crontab } : { code: 1 };
    account.crontab = "";
    return {};
  };
  const done = await run("user-offboarding", { inputs: { name: "kim" } });
  expect(done.execution.state, JSON.stringify(statesOf(done.steps))).toBe("succeeded");
  expect(account).toEqual({ shell: "/usr/sbin/nologin", groups: [], locked: true, crontab: "" });
  expect(existsSync(keys)).toBe(false);
  expect(readdirSync(join(home, ".ssh"))).toEqual([expect.stringMatching(/^authorized_keys\..+\.bak$/)]);

  // Once more there is nothing to do, and where nobody is called so neither.
  told.length = 0;
  expect((await run("user-offboarding", { inputs: { name: "kim" } })).execution.state).toBe("succeeded");
  expect(told).toEqual([]);
  const absent = await run("user-offboarding", { inputs: { name: "lee" } });
  expect(statesOf(absent.steps)).toEqual({
    person: "succeeded",
    lock: "skipped",
    sessions: "skipped",
    keys: "skipped",
    cron: "skipped",
  });
});
