import { fork } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, expect, test, vi } from "vitest";
import { HostBench } from "./testing/host-bench.ts";

vi.setConfig({ testTimeout: 60_000 });
const bench = new HostBench({ settings: { graceMs: 500, drainMs: 100 } });
afterAll(() => bench.close());

const stepEnd = (fence: bigint, id: string) => bench.eventsOf(fence, "stepFinished").find((e) => e.stepId === id)!;
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

test("an action runs under the supervisor: its change, its outputs and its output are told", async () => {
  const path = bench.path("motd");
  const awkward = "a 'b' \"c\"\n$(touch /tmp/x) ${{ 1 }} `id`";
  const yaml = `inputs: { text: { type: string, required: true }, list: { type: list, default: [a, b] } }
steps:
  - { id: f, uses: file, with: { path: ${path}, content: "\${{ inputs.text }}", mode: "0600" } }
  - { id: g, uses: file, with: { path: ${path}, content: "\${{ inputs.text }}" } }
  - id: t
    uses: template
    with: { path: ${path}.t, template: "{{#list}}<{{ . }}>{{/list}}", values: { list: "\${{ inputs.list }}" } }
  - { id: a, uses: assert, with: { that: ["\${{ steps.f.outputs.sha256 == steps.g.outputs.sha256 }}"] } }`;
  const fence = bench.run(yaml, { inputsJson: bytes({ text: awkward }) });
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  expect(readFileSync(path, "utf8")).toBe(awkward);
  expect(readFileSync(`${path}.t`, "utf8")).toBe("<a><b>");
  expect(["f", "g", "t", "a"].map((id) => stepEnd(fence, id).changed)).toEqual([true, false, true, false]);
  expect(stepEnd(fence, "g").reason).toBe(`${path} is as it should be`);
  expect((await bench.output(fence, "f")).toString()).toContain(`create ${path}`);
});

test("a failing action fails its step with what to do, and wrong values never start it", async () => {
  const yaml = `inputs: { port: { type: string, default: "80x" } }
steps:
  - { id: f, uses: file, with: { path: "${bench.path("no/f")}", content: x }, continueOnError: true }
  - { id: w, uses: wait-for, with: { port: "\${{ inputs.port }}" }, continueOnError: true }
  - { id: m, uses: message, with: { text: "\${{ steps.f.outputs.none }}" } }`;
  const fence = bench.run(yaml);
  await bench.outcome(fence);
  expect(stepEnd(fence, "f")).toMatchObject({ state: "failed", changed: false });
  expect(stepEnd(fence, "f").reason).toContain("make it with the action directory before");
  expect(stepEnd(fence, "w").reason).toMatch(/^wait-for: port: must be a number/);
  expect(stepEnd(fence, "m").reason).toContain("there is no none here");
  expect(bench.eventsOf(fence, "tryStarting").map((e) => e.stepId)).toEqual(["f"]);
});

test("in check mode actions tell what they would change, scripts are skipped unless they say they change nothing", async () => {
  const path = bench.path("checked");
  const yaml = `steps:
  - { id: s, run: "touch ${path}.s; echo used=5 >>$OC_OUTPUT" }
  - { id: r, check: run, run: "echo used=6 >>$OC_OUTPUT" }
  - { id: f, uses: file, with: { path: ${path}, content: "\${{ steps.r.outputs.used }}" } }
  - { id: n, uses: message, with: { text: "\${{ steps.s.outputs.used }}" } }
  - { id: i, if: "steps.s.outputs.used == '5'", uses: message, with: { text: x } }
finally: [ { id: l, uses: file, with: { path: /nowhere/x, state: absent } } ]`;
  const fence = bench.run(yaml, { check: true });
  const states = { s: "skipped", r: "succeeded", f: "succeeded", n: "skipped", i: "skipped", l: "succeeded" };
  expect(await bench.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  expect(bench.states(fence)).toEqual(states);
  expect(stepEnd(fence, "f")).toMatchObject({ changed: true, reason: `would change: create ${path}` });
  expect((await bench.output(fence, "f")).toString()).toContain("+6");
  expect(stepEnd(fence, "s").reason).toMatch(/^check mode: a script cannot say/);
  expect(stepEnd(fence, "n").reason).toMatch(/^check mode: .*there is no used/);
  expect([existsSync(path), existsSync(`${path}.s`)]).toEqual([false, false]);
});

test("a check goes on where a step before would make the user or the file, and names a typo", async () => {
  const [from, path] = [bench.path("source"), bench.path("target")];
  const yaml = `steps:
  - { id: u, uses: user, with: { name: oc-nobody-yet, createHome: false } }
  - { id: f, uses: file, with: { path: ${from}, content: x, owner: oc-nobody-yet, group: oc-nobody-yet } }
  - { id: d, uses: directory, with: { path: ${path}.d, owner: oc-nobody-yet } }
  - { id: c, uses: copy, with: { from: ${from}, path: ${path} } }
  - { id: o, uses: file, with: { path: ${path}, owner: oc-nobody-yte }, continueOnError: true }
  - { id: t, uses: copy, with: { from: "${from}s", path: ${path} }, continueOnError: true }`;
  const fence = bench.run(yaml, { check: true });
  await bench.outcome(fence);
  const reasons = Object.fromEntries(["u", "f", "d", "c", "o", "t"].map((id) => [id, stepEnd(fence, id).reason]));
  const made = "when a step before has made";
  expect(reasons).toMatchObject({
    u: "would change: make the user oc-nobody-yet",
    f: `would change: create ${from}; give ${from} to the user oc-nobody-yet, ${made} the user oc-nobody-yet; give ${from} to the group oc-nobody-yet, ${made} the group oc-nobody-yet`,
    d: `would change: create the directory ${path}.d; give ${path}.d to the user oc-nobody-yet, ${made} the user oc-nobody-yet`,
    c: `would change: copy ${from} to ${path}, ${made} ${from}`,
    o: expect.stringContaining("there is no user oc-nobody-yte on this host: make it first"),
    t: expect.stringContaining("is not there, so it cannot be copied"),
  });
});

test("a check never fails for what a script before may have made, nor tells what it cannot know", async () => {
  const [made, there] = [bench.path("by-script"), bench.path("there.conf")];
  writeFileSync(there, "old\n");
  const yaml = `steps:
  - { id: a, uses: line-in-file, with: { path: ${made}, line: x }, continueOnError: true }
  - { id: s, run: "touch ${made}" }
  - { id: b, uses: line-in-file, with: { path: ${made}, line: x } }
  - { id: c, uses: archive, with: { archive: ${made}.tar, to: ${made}.d } }
  - { id: d, uses: line-in-file, with: { path: ${there}, line: old } }
  - { id: t, uses: template, with: { path: ${there}, template: new } }
  - { id: e, uses: line-in-file, with: { path: ${there}, line: old } }`;
  const fence = bench.run(yaml, { check: true });
  await bench.outcome(fence);
  const reasons = Object.fromEntries(["a", "b", "c", "d", "e"].map((id) => [id, stepEnd(fence, id).reason]));
  expect(reasons).toEqual({
    a: `${made} is not there: say create: true to make it`,
    b: `would change: have the line in ${made}, when a step before has made ${made}`,
    c: `would change: unpack ${made}.tar to ${made}.d, when a step before has made ${made}.tar`,
    d: `${there} is as it should be`,
    e: `would change: have the line in ${there}, as a step before has left ${there}: what is in it then cannot be known`,
  });
});

test("an action is ended by cancel and by its timeout", async () => {
  const fence = bench.run("steps: [ { id: w, uses: sleep, with: { for: 1h } } ]");
  await until("its start", () => bench.eventsOf(fence, "tryStarted")[0]);
  bench.desire(fence, "cancel");
  expect((await bench.outcome(fence)).state).toBe("cancelled");
  const late = bench.run("steps: [ { id: w, uses: wait-for, with: { path: /no/such }, timeout: 1s } ]");
  expect((await bench.outcome(late)).state).toBe("timed_out");
});

test("an action survives a kill -9 of the agent, is adopted, and runs once", async () => {
  const host = new HostBench({ settings: { graceMs: 500 } });
  host.host.close();
  const marker = host.path("go");
  const ledger = host.path("ledger");
  const yaml = `steps:
  - { id: w, uses: wait-for, with: { command: [sh, -c, 'echo started >>"$0"; test -e "$1"', "${ledger}", "${marker}"], every: 50ms } }
  - { id: f, uses: file, with: { path: "${host.path("done")}", content: x } }`;
  const offer = host.offer(yaml);
  const program = new URL("./testing/host-process.ts", import.meta.url);
  const killed = fork(program, [host.path("state"), "{}"], { serialization: "advanced" });
  await new Promise((resolve) => killed.once("message", resolve));
  killed.send({ offer });
  await until("the action's first look", () => existsSync(ledger));
  killed.kill("SIGKILL");
  await new Promise((resolve) => killed.once("exit", resolve));
  host.open();
  writeFileSync(marker, "");
  expect(await host.outcome(offer.fence)).toEqual({ state: "succeeded", reason: "" });
  expect(host.eventsOf(offer.fence, "tryStarting").map((e) => [e.stepId, e.try, e.spawn])).toEqual([
    ["w", 1, 1],
    ["f", 1, 1],
  ]);
  expect(host.eventsOf(offer.fence, "tryAdopted")).toHaveLength(1);
  await host.close();
});

/** A host whose step `r` has asked for its restart, which is then ended like that: its agent and the processes of its step. */
async function downForRestart(yaml: string): Promise<{ host: HostBench; fence: bigint; folder: string }> {
  const host = new HostBench({ settings: { graceMs: 200 } });
  host.host.close();
  const tools = host.path("tools");
  mkdirSync(tools);
  for (const name of ["reboot", "systemctl"])
    writeFileSync(join(tools, name), `#!/bin/sh\necho >>${host.path("asked")}\n`, { mode: 0o755 });
  const offer = host.offer(`env: { PATH: "${tools}:${process.env.PATH}" }\n${yaml}`);
  const program = new URL("./testing/host-process.ts", import.meta.url);
  const agent = fork(program, [host.path("state"), "{}"], { serialization: "advanced" });
  await new Promise((resolve) => agent.once("message", resolve));
  agent.send({ offer });
  await until("the restart", () => existsSync(host.path("asked")));
  agent.kill("SIGKILL");
  await new Promise((resolve) => agent.once("exit", resolve));
  // What the host's end does: every process of the step goes, and another first process runs afterwards.
  const [folder] = readdirSync(host.path("state/work")).map((fence) => host.path(`state/work/${fence}/0.1.1`));
  const [pid] = readFileSync(join(folder!, "claim"), "utf8").split(" ").slice(2);
  process.kill(-Number(pid), "SIGKILL");
  writeFileSync(join(folder!, "reboot"), "another-boot 1");
  return { host, fence: offer.fence, folder: folder! };
}

test("after a restart that a step asked for, the step has succeeded and the next one begins", async () => {
  const { host, fence } = await downForRestart(`steps:
  - { id: r, uses: reboot }
  - { id: f, uses: message, with: { text: back } }`);
  host.open();
  expect(await host.outcome(fence)).toEqual({ state: "succeeded", reason: "" });
  expect(host.eventsOf(fence, "tryStarting").map((e) => e.stepId)).toEqual(["r", "f"]);
  const restarted = host.eventsOf(fence, "stepFinished")[0]!;
  expect(restarted).toMatchObject({ state: "succeeded", reason: "the host was restarted", changed: true });
  await host.close();
});

test("a host that is back too late has run into the step's limit, and is not restarted once more", async () => {
  const { host, fence } = await downForRestart(`steps:
  - { id: r, uses: reboot, timeout: 1s, retry: { max: 3, delay: 1s } }
  - { id: f, uses: message, with: { text: back } }`);
  const asked = statSync(host.path("asked")).mtimeMs;
  await until("its limit to be over", () => Date.now() > asked + 2500);
  host.open();
  expect((await host.outcome(fence)).state).toBe("timed_out");
  expect(host.eventsOf(fence, "tryStarting").map((e) => e.stepId)).toEqual(["r"]);
  const [restarted, next] = host.eventsOf(fence, "stepFinished");
  expect(restarted).toMatchObject({ state: "timed_out", changed: true });
  expect(restarted!.reason).toMatch(/^the host was restarted, and back only after \d+ s: the limit is 1 s$/);
  expect(next).toMatchObject({ stepId: "f", state: "skipped" });
  expect(readFileSync(host.path("asked"), "utf8")).toBe("\n");
  await host.close();
});
