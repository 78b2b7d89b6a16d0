// States are the promise of the product, so few files may write one, and this test names them with what they enter.
import { expect, it } from "vitest";
import { isTestFile } from "./import-table.ts";
import { readSourceFile } from "./source-file.ts";
import { writesState } from "./state-columns.ts";
import { repositorySources } from "./tree.ts";

const writers = {
  "controller/src/automation/execution-queries.ts": "queued rows of a new execution; what assignments fold into",
  "controller/src/automation/dispatch-queries.ts": "offered",
  "controller/src/automation/abandon-queries.ts": "lost, by a person's word or after OC_LOST_AFTER",
  "controller/src/automation/create-flow-queries.ts":
    "pending stages, queued rows, of executions that wait for their turn",
  "controller/src/automation/flow-queries.ts":
    "what a workflow or rollout decides: running, skipped, and the ends of groups",
  "controller/src/automation/pause-queries.ts": "paused, and queued or running again",
  "controller/src/automation/cancel-queries.ts": "cancelled, of what was never offered",
  "controller/src/automation/lost-history-queries.ts": "offered or lost, of what a restored database has queued",
  "controller/src/automation/overdue-queries.ts": "expired",
  "controller/src/automation/result-queries.ts": "what the agent said",
  "bench/src/history-rows.ts": "the past of a database that exists to be measured",
};

it("only the named files write a state", () => {
  const found = repositorySources().filter((file) => !isTestFile(file.path) && writesState(file));
  expect(found.map((file) => file.path).sort()).toEqual(Object.keys(writers).sort());
});

it.each([
  "await tx`update automation.steps s set finished_at = ${at}, state = 'lost' where s.step_id = ${id}`;",
  "await tx`with due as (select 1) update automation.assignments a set state = r.state from due`;",
  "await tx`insert into automation.tries (assignment_id, state) values (${id}, ${s})`;",
  "await tx`insert into automation.steps (id) values (1) on conflict do update set state = excluded.state`;",
])("a planted write is found: %s", (text) => {
  expect(writesState(readSourceFile("controller/src/fleet/presence.ts", text))).toBe(true);
});

it.each([
  "await tx`select state from automation.steps where state = 'lost'`;",
  "await tx`update automation.steps set reason = 'x' where state = 'lost'`;",
  "await tx`update fleet.authorities set state = 'retired'`;",
])("reading is not writing: %s", (text) => {
  expect(writesState(readSourceFile("controller/src/fleet/presence.ts", text))).toBe(false);
});
