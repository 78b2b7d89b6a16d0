// The road of one execution with real processes: first sign-in, a job from YAML, live events, output to the byte, cancel,
// and the deaths that a running step must survive. docs/one-execution.md names the files along the way.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Assignment } from "@opsconductor/contract/api/executions";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { Api } from "./devstack/api.ts";
import { type Devstack, startDevstack } from "./devstack/devstack.ts";
import { isRunning, StepProbe } from "./devstack/step-probe.ts";
import { createJob, execute, onlineAgent, onlineTarget, stepsOf, untilState } from "./devstack/story.ts";
import { waitFor } from "./devstack/wait-for.ts";

const password = "a-much-better-password";
let stack: Devstack;
let api: Api;
let host: string;

const job = (name: string, steps: string) => `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\n${steps}`;
const indent = (text: string) => text.replaceAll("\n", "\n      ");
const step = (script: string, id = "work") => `steps:\n  - id: ${id}\n    run: |\n      ${indent(script)}\n`;
const outputPath = (execution: string) =>
  `/api/v1/executions/${execution}/output.txt?target=${encodeURIComponent(host)}&step=work`;

beforeAll(async () => {
  stack = await startDevstack({ localAgent: true, samples: true });
});
afterAll(() => stack?.stop());

/** What the controller said is what one needs when a story fails. */
const showLogOnFailure = () => onTestFailed(() => console.error(stack.log().split("\n").slice(-40).join("\n")));

test("the printed password signs in once, and nothing else works before it is changed", async () => {
  showLogOnFailure();
  const printed = /password[^\n:]*:\s*(\S+)/i.exec(stack.controller().output())?.[1];
  expect(printed).toMatch(/^\S{12,}$/);
  const first = await Api.signIn(stack.url, "admin", printed!);
  const refused = await first.request<{ code: string }>("GET", "/api/v1/jobs");
  expect(refused).toMatchObject({ status: 403, body: { code: "password_change_required" } });

  await first.post("/api/v1/auth/password", { currentPassword: printed, newPassword: password });
  expect(
    (await new Api(stack.url).request("POST", "/api/v1/auth/login", { username: "admin", password: printed })).status,
  ).toBe(401);
  api = await Api.signIn(stack.url, "admin", password);
});

test("the local agent is there by itself, with facts of this machine", async () => {
  showLogOnFailure();
  const agent = await onlineAgent(api);
  expect(agent.platform.os).toBe("linux");
  host = (await onlineTarget(api)).name;
  const { items } = await api.get<{ items: { name: string }[] }>("/api/v1/jobs");
  expect(items.map((job) => job.name)).toEqual(expect.arrayContaining(["host-report", "disk-check"]));
});

test("a job from YAML runs, its events arrive live and in order, its output is stored to the byte", async () => {
  showLogOnFailure();
  const script = `printf 'hello %s\\n' "$INPUT_NAME"\nprintf 'nul \\000, not UTF-8 \\377\\376, CRLF\\r\\n'\nprintf 'no newline at the end'`;
  await createJob(api, job("bytes", `inputs:\n  name: { type: string, required: true }\n${step(script)}`));
  const live = await api.follow("executions");
  const created = await execute(api, "bytes", { inputs: { name: "wörld" }, targets: { names: [host] } });
  const finished = await untilState(api, created.id, ["succeeded", "failed"]);
  expect(finished).toMatchObject({ state: "succeeded", targetCount: 1, counts: { succeeded: 1 } });

  const expected = Buffer.concat([
    Buffer.from("hello wörld\nnul \0, not UTF-8 "),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(", CRLF\r\nno newline at the end"),
  ]);
  expect(Buffer.from(await api.bytes(outputPath(created.id)))).toEqual(expected);
  const [work] = await stepsOf(api, created.id);
  expect(work).toMatchObject({ stepId: "work", state: "succeeded", tries: [{ try: 1, exitCode: 0 }] });
  expect(work!.tries[0]).toMatchObject({
    storedBytes: expected.length,
    outputBytes: expected.length,
    outputSha256: createHash("sha256").update(expected).digest("hex"),
  });
  await waitFor("the last event", () =>
    live.events.some(
      (e) => e.kind === "execution" && e.execution.id === created.id && e.execution.state === "succeeded",
    ),
  );
  live.close();
});

test("lines are served by number, with invalid bytes made visible", async () => {
  showLogOnFailure();
  const { items } = await api.get<{ items: { id: string }[] }>("/api/v1/executions?job=bytes");
  const lines = await api.get(
    `/api/v1/executions/${items[0]!.id}/output?target=${encodeURIComponent(host)}&step=work&from=1`,
  );
  expect(lines).toMatchObject({
    from: 1,
    lines: ["nul ␀, not UTF-8 ��, CRLF\r", "no newline at the end"],
    totalLines: 3,
    lastLineOpen: true,
    complete: true,
  });
});

test("cancel ends the whole process tree, and finally still runs", async () => {
  showLogOnFailure();
  const probe = new StepProbe(stack.folder, "cancel");
  const script = `setsid sleep 1000 & echo $! >> ${probe.folder}/child\n${probe.waitText}`;
  await createJob(
    api,
    job("cancelled", `${step(script)}finally:\n  - id: tidy\n    run: touch ${probe.folder}/tidied\n`),
  );
  const { id } = await execute(api, "cancelled", { targets: { names: [host] } });
  const [shell] = await waitFor("the step to start", () => probe.starts().length > 0 && probe.starts());
  await api.post(`/api/v1/executions/${id}/cancel`, { reason: "story" });
  const finished = await untilState(api, id, ["cancelled"]);
  expect(finished).toMatchObject({ cancelReason: "story", cancelRequestedBy: "admin" });
  const steps = await stepsOf(api, id);
  expect(steps.map((s) => [s.stepId, s.state])).toEqual([
    ["work", "cancelled"],
    ["tidy", "succeeded"],
  ]);
  const child = Number(readFileSync(`${probe.folder}/child`, "utf8"));
  expect([shell!, child].filter(isRunning)).toEqual([]);
  expect(existsSync(`${probe.folder}/tidied`)).toBe(true);
});

test("finally runs after every deadline and after a cancel, onFailure where a step failed or timed out by itself", async () => {
  showLogOnFailure();
  const mark = (kind: string) => `{ id: ${kind}, run: 'touch "${stack.folder}/$OC_EXECUTION_ID-${kind}"' }`;
  const after = `onFailure: [${mark("repair")}]\nfinally: [${mark("tidy")}]\n`;
  const work = "id: work, run: sleep 1000";
  const long = (more = "") => `steps: [{ ${work}${more} }]\n${after}`;
  const staged = `stages:
  slow: { deadline: 4s, steps: [{ ${work} }], onFailure: [${mark("repair")}], finally: [${mark("tidy")}] }
  undo: { needs: [slow], if: failure(), steps: [${mark("undone")}] }
`;
  const run = async (name: string, text: string) => {
    await createJob(api, job(name, text));
    return (await execute(api, name, { targets: { names: [host] } })).id;
  };
  const [ofStep, ofTarget, ofStage, ofAll, cancelled] = [
    await run("late-step", long(", timeout: 1s")),
    await run("late-target", `timeout: 1s\n${long()}`),
    await run("late-stage", staged),
    await run("late-all", `deadline: 4s\n${long()}`),
    await run("cancelled-late", long()),
  ];
  await waitFor("the step to run", async () => (await stepsOf(api, cancelled)).some((one) => one.state === "running"));
  await api.post(`/api/v1/executions/${cancelled}/cancel`, { reason: "enough" });
  const ended = async (id: string) => {
    const { state, stateReason } = await untilState(api, id, ["failed", "timed_out", "cancelled", "succeeded"]);
    const path = `/api/v1/executions/${id}/assignments`;
    const [assignment] = (await api.get<{ items: Assignment[] }>(path)).items;
    const steps = (await stepsOf(api, id)).map((one) => `${one.stepId} ${one.state}`);
    const ran = ["repair", "tidy", "undone"].filter((kind) => existsSync(`${stack.folder}/${id}-${kind}`));
    return { state, stateReason, of: `${assignment!.state}: ${assignment!.stateReason}`, steps, ran };
  };
  const late = { state: "timed_out", stateReason: null };
  expect(await ended(ofStep)).toEqual({
    ...{ ...late, of: "timed_out: step work timed out: it ran into its time limit of 1 s" },
    ...{ steps: ["work timed_out", "repair succeeded", "tidy succeeded"], ran: ["repair", "tidy"] },
  });
  expect(await ended(ofTarget)).toEqual({
    ...{ ...late, of: "timed_out: step work timed out: it ran into its time limit of 1 s (the job's)" },
    ...{ steps: ["work timed_out", "repair succeeded", "tidy succeeded"], ran: ["repair", "tidy"] },
  });
  // Long enough to have begun on a busy machine. A deadline stops what runs as a cancel does: what answers to it are the stages that follow.
  expect(await ended(ofStage)).toEqual({
    ...{ ...late, of: "timed_out: the deadline of stage slow was over" },
    steps: ["work cancelled", "repair skipped", "tidy succeeded", "undone succeeded"],
    ran: ["tidy", "undone"],
  });
  expect(await ended(ofAll)).toEqual({
    ...{ ...late, stateReason: expect.stringMatching(/^its deadline, .*, was over$/) },
    of: "timed_out: the deadline of the execution was over",
    ...{ steps: ["work cancelled", "repair skipped", "tidy succeeded"], ran: ["tidy"] },
  });
  expect(await ended(cancelled)).toEqual({
    ...{ state: "cancelled", stateReason: null, of: "cancelled: cancelled by admin: enough" },
    ...{ steps: ["work cancelled", "repair skipped", "tidy succeeded"], ran: ["tidy"] },
  });
});

test("a step goes on while the controller is stopped and started, and loses nothing", async () => {
  showLogOnFailure();
  const probe = await runningStep("restart-controller");
  await stack.stopController();
  expect(probe.starts().filter(isRunning)).toHaveLength(1);
  probe.open();
  await stack.startController();
  await expectComplete("restart-controller", probe);
});

test("a step goes on when the controller is killed, and is finished by the next one", async () => {
  showLogOnFailure();
  const probe = await runningStep("kill-controller");
  await stack.killController();
  probe.open();
  await waitFor("the step to end without a controller", () => !probe.starts().some(isRunning));
  await stack.startController();
  await expectComplete("kill-controller", probe);
});

test("a step goes on when its agent is killed, is adopted by the next agent, and loses nothing", async () => {
  showLogOnFailure();
  const probe = await runningStep("kill-agent");
  const before = agentPid();
  process.kill(before, "SIGKILL");
  await waitFor("another agent", async () => agentPid() !== before && (await onlineAgent(api)), { timeoutMs: 40_000 });
  expect(probe.starts().filter(isRunning)).toHaveLength(1);
  probe.open();
  await expectComplete("kill-agent", probe);
});

/** A job whose step writes, waits, and writes again; returns when its first line is stored. */
async function runningStep(name: string): Promise<StepProbe> {
  const probe = new StepProbe(stack.folder, name);
  const script = `seq 1 1000\n${probe.waitText}\nseq 1001 2000`;
  await createJob(api, job(name, step(script)));
  const { id } = await execute(api, name, { targets: { names: [host] } });
  await waitFor("the first half of the output", async () => (await api.bytes(outputPath(id))).length >= 3893);
  await waitFor("the step to wait", () => probe.starts().length > 0);
  return probe;
}

async function expectComplete(jobName: string, probe: StepProbe): Promise<void> {
  api = await Api.signIn(stack.url, "admin", password);
  const { items } = await api.get<{ items: { id: string }[] }>(`/api/v1/executions?job=${jobName}`);
  await untilState(api, items[0]!.id, ["succeeded", "failed", "cancelled"], 60_000);
  const [work] = await stepsOf(api, items[0]!.id);
  expect(work).toMatchObject({ state: "succeeded", tries: [{ try: 1, exitCode: 0 }] });
  const numbers = Array.from({ length: 2000 }, (_, index) => `${index + 1}\n`).join("");
  expect(Buffer.from(await api.bytes(outputPath(items[0]!.id))).toString()).toBe(numbers);
  expect(probe.starts()).toHaveLength(1);
}

function agentPid(): number {
  const agent = stack.processes().find(({ command }) => /agent\/src\/main\.ts|opsconductor-agent/.test(command));
  return agent?.pid ?? 0;
}
