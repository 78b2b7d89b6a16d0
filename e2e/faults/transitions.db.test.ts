// The evidence is only worth what it records: each test changes something behind the product's back and sees it written.
import type { Query } from "@opsconductor/database/connect";
import { type TestDatabase, testDatabase } from "@opsconductor/database/testing/test-database";
import { afterEach, beforeEach, expect, test } from "vitest";
import { armedLock, installTransitions, mustHaveSeen, readTransitions, type Transition } from "./transitions.ts";

/** A UUIDv7 of now: the test database has the partitions of this month. */
const time = Date.now().toString(16).padStart(12, "0");
const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000001`;
const seenKeys = ({ entity, from, to, attempt, fence, anomaly }: Transition) => ({
  ...{ entity, from, to, attempt, fence, anomaly },
});
let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase();
  await installTransitions(db.owner, "opsconductor_app");
  await addAssignment();
});
afterEach(() => db.close());

async function addAssignment(): Promise<void> {
  await db.sql`
    insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, state, created_at)
    values (${id}, ${id}, 'main', ${id}, 'host', 'queued', now())`;
}
const seen = async () => (await readTransitions(db.owner)).map(seenKeys);

test("every change of a state is recorded with its attempt and fence, by the application's own transactions", async () => {
  await db.sql`update automation.assignments set state = 'offered', attempt = 1, fence = 7`;
  await db.sql`update automation.assignments set state_reason = 'no change of state'`;
  await db.sql`update automation.assignments set state = 'accepted'`;
  expect(await seen()).toEqual([
    { entity: "assignment", from: null, to: "queued", attempt: 0, fence: null, anomaly: null },
    { entity: "assignment", from: "queued", to: "offered", attempt: 1, fence: 7n, anomaly: null },
    { entity: "assignment", from: "offered", to: "accepted", attempt: 1, fence: 7n, anomaly: null },
  ]);
});

test("a change that is not committed is not what another transaction must have seen", async () => {
  const other = `${id.slice(0, -1)}2`;
  await db.sql`
    insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, state, created_at)
    values (${other}, ${id}, 'main', ${id}, 'host', 'queued', now())`;
  const change = (q: Query, key: string, state: string) =>
    q`update automation.assignments set state = ${state} where id = ${key}`;
  await db.sql.begin(async (tx) => {
    await change(tx, id, "offered");
    await change(db.sql, other, "offered");
  });
  await change(db.sql, other, "accepted");
  const moves = await readTransitions(db.owner);
  const find = (key: string, to: string) => moves.find((move) => move.key === key && move.to === to)!;
  expect(mustHaveSeen(find(other, "offered"), find(id, "offered"))).toBe(false);
  expect(mustHaveSeen(find(other, "accepted"), find(id, "offered"))).toBe(true);
  expect(mustHaveSeen(find(other, "accepted"), find(other, "accepted"))).toBe(false);
});

test("what was rolled back never happened", async () => {
  const failed = db.sql.begin(async (tx) => {
    await tx`update automation.assignments set state = 'offered', attempt = 1, fence = 7`;
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await seen()).toHaveLength(1);
});

test.each([
  ["finished twice", "finished_at = now()", "finished_at = now() + interval '1 s'"],
  ["event counter fell", "last_seq = 5, fence = 7", "last_seq = 4"],
  ["final event replaced", 'finish = \'{"state":"failed"}\', fence = 7', 'finish = \'{"state":"succeeded"}\''],
])("an assignment that was %s is recorded as such", async (anomaly, first, second) => {
  await db.sql.unsafe(`update automation.assignments set ${first}`);
  await db.sql.unsafe(`update automation.assignments set ${second}`);
  expect((await seen()).map((one) => one.anomaly).filter((one) => one !== null)).toEqual([anomaly]);
});

test("a row that is deleted, an outcome and output that are replaced are recorded as such", async () => {
  await db.sql`
    insert into automation.tries (assignment_id, attempt, step_id, try, state, exit_code, output_bytes)
    values (${id}, 1, 'work', 1, 'succeeded', 0, 3)`;
  await db.sql`update automation.tries set exit_code = 1`;
  await db.sql`
    insert into automation.output (assignment_id, attempt, step_id, try, byte_offset, first_line, byte_length, data)
    values (${id}, 1, 'work', 1, 0, 0, 3, 'abc')`;
  await db.sql`update automation.output set data = 'abd'`;
  await db.sql`delete from automation.assignments`;
  const anomalies = (await seen()).flatMap(({ entity, anomaly }) =>
    anomaly === null ? [] : [`${entity}: ${anomaly}`],
  );
  expect(anomalies).toEqual(["try: outcome replaced", "try: output changed", "assignment: deleted"]);
});

test("a session whose epoch falls is recorded as such", async () => {
  await db.owner`
    insert into fleet.agents (id, name, status, identity_key, sealing_key) values (${id}, 'host', 'active', 'i', 's')`;
  await db.sql`insert into fleet.agent_sessions (agent_id, epoch, controller_id) values (${id}, 3, ${id})`;
  await db.sql`update fleet.agent_sessions set epoch = 2, controller_id = null`;
  const sessions = (await readTransitions(db.owner)).filter(({ entity }) => entity === "session");
  expect(sessions).toMatchObject([
    { from: null, to: "open", epoch: 3n, anomaly: null },
    { from: "open", to: "closed", epoch: 2n, anomaly: "epoch fell" },
  ]);
});

test("an armed moment stops its transaction before the commit until the lock is given back", async () => {
  await db.owner`insert into faults.armed (entity, new_state) values ('assignment', 'offered')`;
  await db.owner`select pg_advisory_lock(${armedLock})`;
  const stopped = db.sql`update automation.assignments set state = 'offered', attempt = 1, fence = 7`.execute();
  const waiting = async () => {
    const [row] = await db.owner`
      select count(*) as n from pg_locks where locktype = 'advisory' and objid = ${armedLock} and not granted`;
    return row!.n;
  };
  await expect.poll(waiting).toBe(1n);
  expect(await seen()).toHaveLength(1);
  await db.owner`select pg_advisory_unlock(${armedLock})`;
  await stopped;
  expect(await seen()).toHaveLength(2);
});
