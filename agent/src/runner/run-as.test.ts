import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { until } from "@opsconductor/contract/testing/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HostBench, jobOf } from "./testing/host-bench.ts";

const isRoot = process.getuid?.() === 0;
let bench: HostBench;

beforeEach(() => {
  bench = new HostBench();
  chmodSync(bench.root, 0o711);
});
afterEach(() => bench.close());

const asNobody = (steps: string) => jobOf(steps, "runAs: nobody");
const reasonOf = (fence: bigint, id: string) =>
  bench.eventsOf(fence, "stepFinished").find((e) => e.stepId === id)?.reason;
const rooms = () => (existsSync(bench.path("state-steps")) ? readdirSync(bench.path("state-steps")) : []);

test.runIf(isRoot)("a step runs as its user, with that user's groups, environment, folder and outputs", async () => {
  const script = `id -un; id -G; pwd; env | grep -E '^(HOME|USER|LOGNAME|SHELL)=' | sort; echo x >made; echo "who=$(id -un)" >>"$OC_OUTPUT"; stat -c '%U %a' . made`;
  const fence = bench.run(asNobody(`steps:\n  - id: a\n    run: |\n      ${script}\n  - id: b\n    run: cat made`));
  expect(await bench.outcome(fence)).toMatchObject({ state: "succeeded" });
  const lines = (await bench.output(fence, "a")).toString().split("\n");
  expect(lines.slice(0, 2)).toEqual(["nobody", "65534"]);
  expect(lines[2]).toBe(`${bench.path("state-steps")}/${fence}/work.65534`);
  expect(lines.slice(3, 9)).toEqual([
    "HOME=/nonexistent",
    "LOGNAME=nobody",
    "SHELL=/usr/sbin/nologin",
    "USER=nobody",
    "nobody 700",
    "nobody 644",
  ]);
  expect(bench.outputsOf(fence, "a")).toEqual({ who: "nobody" });
  expect((await bench.output(fence, "b")).toString()).toBe("x\n");
  await until("its folders are gone", () => rooms().length === 0);
});

test.runIf(isRoot)("an action runs as the user, too, and gives its result", async () => {
  const step = `- { id: a, uses: file, with: { path: "${bench.path("open")}/f", content: hello } }`;
  const other = `- { id: b, uses: file, with: { path: "${bench.path("state")}/f", content: hello }, continueOnError: true }`;
  const fence = bench.run(
    asNobody(
      `steps:\n  - { id: m, run: [install, -d, -o, nobody, "${bench.path("open")}"], runAs: ${userInfo().username} }\n  ${step}\n  ${other}`,
    ),
  );
  await bench.outcome(fence);
  expect(bench.states(fence)).toEqual({ m: "succeeded", a: "succeeded", b: "failed" });
  expect(statSync(bench.path("open/f")).uid).toBe(65534);
  expect(reasonOf(fence, "b")).toMatch(/may not .* \S+\/state\/f/);
});

test.runIf(isRoot)("what a user puts in the place of a result is not read as root", async () => {
  const secret = bench.path("secret");
  writeFileSync(secret, "a=b\n", { mode: 0o600 });
  const script = `set +e; rm -f "$OC_OUTPUT"; ln -sf ${secret} "$OC_OUTPUT"; cat ${secret}; ls ${bench.path("state")}`;
  const fence = bench.run(asNobody(`steps:\n  - id: a\n    run: |\n      ${script}`));
  await bench.outcome(fence);
  expect(bench.outputsOf(fence, "a")).toEqual({});
  expect((await bench.output(fence, "a")).toString().match(/ermission denied/g)).toHaveLength(4);
});

test.runIf(isRoot)(
  "a user that is not there fails the step before it starts, and an earlier step may make it",
  async () => {
    const fence = bench.run("steps: [ { id: a, run: id, runAs: nobody-of-that-name } ]");
    await bench.outcome(fence);
    expect(reasonOf(fence, "a")).toBe("there is no user nobody-of-that-name on this host: make it, or correct runAs");
    expect(bench.eventsOf(fence, "tryStarting")).toEqual([]);
  },
);

test("the owner of the host says which users steps may have, and the next job obeys", async () => {
  const owner = bench.path("agent.yaml");
  writeFileSync(owner, "users: [deploy, 'www-*']\n", { mode: 0o644 });
  const own = userInfo().username;
  const [denied] = bench.eventsOf(bench.run("steps: [ { id: a, run: id } ]"), "denied");
  expect(denied).toMatchObject({
    code: "policy",
    reason: `the owner of this host lets steps run as deploy, www-* (users in ${owner}), and this one would run as ${own}`,
  });
  writeFileSync(owner, `users: [${own}]\n`);
  expect((await bench.outcome(bench.run("steps: [ { id: a, run: id } ]"))).state).toBe("succeeded");
  expect(bench.eventsOf(bench.run("steps: [ { id: a, run: id, runAs: deploy } ]"), "denied")).toHaveLength(1);
});

test("settings that cannot be understood allow nothing", () => {
  const owner = bench.path("agent.yaml");
  for (const [text, mode, words] of [
    ["user: [a]", 0o644, /so it runs nothing: Unrecognized key/],
    ["users: []", 0o666, /others can write it/],
    ["limits: { memory: lots }", 0o644, /limits.memory: must be a size/],
    ["{", 0o644, /so it runs nothing/],
  ] as const) {
    writeFileSync(owner, text);
    chmodSync(owner, mode);
    const [denied] = bench.eventsOf(bench.run("steps: [ { id: a, run: id } ]"), "denied");
    expect(denied!.reason).toMatch(words);
  }
});

test.runIf(isRoot)("a state folder that the user cannot pass is told before anything starts", async () => {
  chmodSync(bench.root, 0o700);
  const fence = bench.run(asNobody("steps: [ { id: a, run: id } ]"));
  await bench.outcome(fence);
  expect(reasonOf(fence, "a")).toContain(`other users cannot pass ${bench.root}`);
});

test.runIf(isRoot)(
  "a step of another user survives the agent, is adopted, and its folders are gone after",
  async () => {
    const go = bench.path("go");
    const script = `id -un; while [ ! -e ${go} ]; do sleep 0.05; done; echo done; echo "a=1" >>"$OC_OUTPUT"`;
    const fence = bench.run(asNobody(`steps:\n  - id: a\n    run: |\n      ${script}`));
    await until("it runs", () => bench.eventsOf(fence, "tryStarted").length === 1);
    bench.host.close();
    bench.open();
    await until("it is adopted", () => bench.eventsOf(fence, "tryAdopted").length === 1);
    expect(rooms()).toEqual([String(fence)]);
    writeFileSync(go, "");
    expect((await bench.outcome(fence)).state).toBe("succeeded");
    expect((await bench.output(fence, "a")).toString()).toBe("nobody\ndone\n");
    expect(bench.outputsOf(fence, "a")).toEqual({ a: "1" });
    await until("its folders are gone", () => rooms().length === 0);
  },
);

test.runIf(isRoot)("folders that a crash left are removed at the next start, without following links", async () => {
  const kept = bench.path("kept");
  writeFileSync(kept, "x");
  const fence = bench.run(asNobody(`steps:\n  - id: a\n    run: sleep 100`));
  await until("it runs", () => bench.eventsOf(fence, "tryStarted").length === 1);
  symlinkSync(bench.root, bench.path(`state-steps/${fence}/work.65534/link`));
  bench.desire(fence, "cancel");
  expect((await bench.outcome(fence)).state).toBe("cancelled");
  await until("its folders are gone", () => rooms().length === 0);
  expect(readFileSync(kept, "utf8")).toBe("x");
});
