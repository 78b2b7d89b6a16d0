import { pino } from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DatabaseWatch } from "./database-watch.ts";
import type { HealthChecks, PartHealth } from "./health.ts";

const failure = (code: string, message = code) => Object.assign(new Error(message), { code });
let metrics: Registry;
let watch: DatabaseWatch;
let stop: AbortController;
let said: string[];
/** What the next looks meet. */
let problem: Error | undefined;
let lastFailure: string | undefined;

beforeEach(() => {
  [metrics, stop, said, problem, lastFailure] = [new Registry(), new AbortController(), [], undefined, undefined];
  const log = pino({ level: "info" }, { write: (line: string) => void said.push(JSON.parse(line).msg) });
  watch = new DatabaseWatch(log, metrics);
  const ping = async () => {
    if (problem) throw problem;
  };
  void watch.run({ ping, embedded: { directory: "/", lastFailure: () => lastFailure } }, stop.signal);
});
afterEach(() => stop.abort());

async function health(): Promise<PartHealth> {
  const checks: HealthChecks = new Map();
  watch.register(checks);
  return await checks.get("database")!();
}
const eventually = (expected: object) => expect.poll(health, { timeout: 10_000 }).toMatchObject(expected);
const metric = async (name: string) => (await metrics.getSingleMetric(name)!.get()).values[0]?.value;

test("a database that goes away and comes back is said once each, and shown meanwhile", async () => {
  await eventually({ status: "ok" });
  problem = failure("ECONNREFUSED", "connect ECONNREFUSED");
  await eventually({ status: "failing", detail: "PostgreSQL does not answer (connect ECONNREFUSED)" });
  expect(await metric("oc_database_up")).toBe(0);
  problem = undefined;
  await eventually({ status: "ok" });
  expect(await metric("oc_database_up")).toBe(1);
  expect(said).toEqual(["database.trouble", "database.works_again"]);
});

test("a full disk is named as long as writes meet it, although PostgreSQL answers", async () => {
  watch.heard(failure("53100", "could not extend file: No space left on device"));
  expect(await health()).toMatchObject({ status: "failing", detail: expect.stringContaining("disk of the database") });
  expect(await metric("oc_database_disk_full")).toBe(1);
  await eventually({ status: "ok" });
  expect(await metric("oc_database_disk_full")).toBe(0);
});

test("a PostgreSQL that cannot start for want of space is told apart from one that is away", async () => {
  problem = failure("ENOENT", "connect ENOENT");
  lastFailure = "FATAL: could not write to file: No space left on device";
  await eventually({ status: "failing", detail: expect.stringMatching(/disk of the database is full.*No space left/) });
});

test("a server that forgets what it acknowledged is said, and degraded", async () => {
  watch.noteSettings({ fsync: "on", synchronous_commit: "off", full_page_writes: "on" });
  expect(await health()).toMatchObject({
    status: "degraded",
    detail: expect.stringMatching(/^synchronous_commit is off/),
  });
  expect(said).toEqual(["database.not_durable"]);
});

test("one lost connection is counted, and no trouble while the database answers", async () => {
  watch.heard(failure("CONNECTION_CLOSED"));
  expect(await metric("oc_database_transactions_lost_total")).toBe(1);
  expect(await health()).toEqual({ status: "ok" });
  watch.heard(failure("23505"));
  expect(await health()).toEqual({ status: "ok" });
});
