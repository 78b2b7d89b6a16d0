// npm run faults -- disk --where database: fills the file system of the embedded PostgreSQL while work goes on. The
// controller must say so, agents must keep everything, and all must go on soon after there is space. Called by disk.ts
// and the smoke test. Needs root: the small file system is a tmpfs of its own.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../devstack/wait-for.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { createRandom, type Random } from "./random.ts";
import { percentile, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { fillDisk, mountSmallDisk } from "./small-disk.ts";
import { feedWork, saveJobs, type WorkFeed } from "./submit-work.ts";
import { planWorkload } from "./workload.ts";

/** PostgreSQL's programs take 60 MiB of it, a fresh cluster 40, its write-ahead log the rest. */
const diskMiB = 400;
/** Of bars.md. */
const recoverWithinMs = 10_000;

export async function runDatabaseDisk({ seed, times }: { seed: string; times: number }): Promise<Report> {
  const disk = mountDatabaseDisk();
  try {
    const env = { OC_DATA_DIR: disk };
    const faults = await startFaultStack({ agents: 2, env, server: embeddedIn(disk) });
    try {
      return await fillAgain(faults, disk, { seed, times });
    } finally {
      await faults.stop();
    }
  } finally {
    spawnSync("umount", ["-l", disk]); // what still runs keeps what it has open
    rmSync(disk, { recursive: true, force: true });
  }
}

/** Known only when the controller has made it. */
function embeddedIn(dataDir: string) {
  const record = () => JSON.parse(readFileSync(join(dataDir, "postgres.json"), "utf8"));
  const at = (name: string) => join(resolve(dataDir, record().directory), name);
  return {
    get owner() {
      const [database, username, password] = ["opsconductor", "opsconductor", record().ownerPassword as string];
      return { socketDir: at("run"), database, username, password };
    },
    get data() {
      return at("data");
    },
  };
}

async function fillAgain(
  faults: FaultStack,
  disk: string,
  { seed, times }: { seed: string; times: number },
): Promise<Report> {
  const [startedAt, began, random] = [new Date(), performance.now(), createRandom(seed)];
  const load = { targets: faults.targets, maxBytes: 64 * 1024, longMs: 1000, cancelShare: 0 };
  const workload = planWorkload(random.stream("workload"), load);
  await saveJobs(faults, workload);
  const feed = feedWork(faults, workload, () => 8);
  const rounds: Round[] = [];
  for (let round = 0; round < times; round++) rounds.push(await fillOnce(faults, disk, feed, random));
  await feed.stop();
  const settled = await settle(faults, 120_000);
  const evidence = await collectEvidence(faults, { asked: feed.asked, leftovers: settled.leftovers });
  const wrong = rounds.flatMap((round, n) => round.wrong.map((what) => bar(`filling ${n + 1}`, what)));
  const ownEnds = faults.ownEnds.map((end) => bar(end.who, `ended by itself with ${end.code}: ${end.lastWords}`));
  const recovered = rounds.map((round) => round.recoveredMs);
  return {
    name: "database-disk",
    about: `The embedded PostgreSQL on a disk of ${diskMiB} MiB, filled to the last byte under load.`,
    ...{ seed, command: `npm run faults -- disk --where database --times ${times} --seed ${seed}` },
    ...{ startedAt, tookMs: performance.now() - began, tables: [] },
    notes: ["Recovered means: health is good and a new execution has run, counted from when there was space again."],
    violations: [...checkInvariants(evidence), ...wrong, ...ownEnds],
    figures: {
      "disks filled": times,
      ...countChecked(evidence),
      "said within, max ms": Math.round(
        percentile(
          rounds.map((round) => round.saidMs),
          1,
        ),
      ),
      "recovered, p50 ms": Math.round(percentile(recovered, 0.5)),
      "recovered, max ms": Math.round(percentile(recovered, 1)),
    },
  };
}

const bar = (subject: string, what: string): Violation => ({ invariant: "bar", subject, what });

interface Round {
  wrong: string[];
  saidMs: number;
  recoveredMs: number;
}

async function fillOnce(faults: FaultStack, disk: string, feed: WorkFeed, random: Random): Promise<Round> {
  const before = feed.steps;
  await waitFor("work to go on", () => feed.steps > before, { timeoutMs: 60_000 });
  const filler = join(disk, "filler");
  let began = performance.now();
  fillDisk(filler, "a");
  const said = await waitFor("the health to name the disk", () => saidOf(faults), { timeoutMs: 60_000 });
  const saidMs = performance.now() - began;
  const wrong = await judgeWords(faults, said, filler);
  for (const end = performance.now() + random.int(2000, 6000); performance.now() < end; await sleep(200))
    fillDisk(filler, "a"); // what PostgreSQL gave back meanwhile
  rmSync(filler);
  began = performance.now();
  await waitFor("the health to be good", async () => (await healthOf(faults)).status === 200, { timeoutMs: 120_000 });
  const known = feed.asked.length;
  await waitFor("an execution that is asked for now to be taken", () => feed.asked.length > known, {
    timeoutMs: 120_000,
  });
  const recoveredMs = performance.now() - began;
  if (recoveredMs > recoverWithinMs) wrong.push(`it took ${Math.round(recoveredMs)} ms to recover`);
  return { wrong, saidMs, recoveredMs };
}

/** What log, metrics and refusals say while the disk is full. */
async function judgeWords(faults: FaultStack, said: string, filler: string): Promise<string[]> {
  const wrong: string[] = [];
  if (!/free space/.test(said)) wrong.push(`the health does not say what to do: ${said}`);
  if (!/"trouble":"full"/.test(faults.stack.log())) wrong.push("the log does not say that the disk is full");
  if (!(await metricsSayFull(faults, filler))) wrong.push("the metrics do not say that the disk is full");
  // Of nobody, so that no name has more wrong passwords than its limit.
  const login = { username: `nobody-${randomUUID()}`, password: "whatever it is" };
  const headers = { "content-type": "application/json" };
  const url = `${faults.stack.url}/api/v1/auth/login`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(login) });
  const text = await answer.text();
  // While PostgreSQL can still write this small a thing, it refuses the password; while it starts again, it answers nobody.
  if (answer.status !== 401 && !(answer.status === 503 && /disk of the database is full|does not answer/.test(text)))
    wrong.push(`a request was answered with ${answer.status}: ${text}`);
  return wrong;
}

/** PostgreSQL may have given back some space since the health was asked: it is filled until the metrics say so too. */
async function metricsSayFull({ stack }: FaultStack, filler: string): Promise<boolean> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(200)) {
    const metrics = await (await fetch(`${stack.url}/metrics`)).text();
    if (/^oc_database_disk_full 1$/m.test(metrics)) return true;
    fillDisk(filler, "a");
  }
  return false;
}

async function saidOf(faults: FaultStack): Promise<string | undefined> {
  const { status, detail = "" } = await healthOf(faults);
  return status === 503 && /disk of the database is full/.test(detail) ? detail : undefined;
}

async function healthOf({ stack }: FaultStack): Promise<{ status: number; detail?: string }> {
  const response = await fetch(`${stack.url}/health`);
  const { parts } = (await response.json()) as { parts: { database: { detail?: string } } };
  return { status: response.status, ...(parts.database.detail === undefined ? {} : { detail: parts.database.detail }) };
}

function mountDatabaseDisk(): string {
  const folder = mkdtempSync(join(tmpdir(), "opsconductor-disk-"));
  chmodSync(folder, 0o711);
  return mountSmallDisk(join(folder, "data"), { sizeMiB: diskMiB, mode: "711" });
}
