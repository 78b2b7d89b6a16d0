// npm run faults -- disk --where host: fills the file system of an agent's state folder while a step runs on it. State must
// be recorded, output cut with an exact gap, new work refused with the reason, and all well soon after there is space.
// Called by disk.ts and the smoke test. Needs root: the small file system is a tmpfs of its own.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "@opsconductor/contract/api/agents";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { waitFor } from "../devstack/wait-for.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, type FaultStackOptions, startFaultStack } from "./fault-stack.ts";
import { createRandom } from "./random.ts";
import { percentile, type Report } from "./report.ts";
import { fillDisk, mountSmallDisk } from "./small-disk.ts";
import { countLines, readOr, type StoredTry, startSteps, triesOf, untilOver } from "./step-of-host.ts";

/** More than the agent wants free (64 MiB) and its reserve (8 MiB). */
const diskMiB = 128;
/** Of bars.md. */
const recoverWithinMs = 10_000;

export async function runHostDisk(options: { seed: string; times: number }): Promise<Report> {
  return withSmallDisk({}, (faults) => fillAgain(faults, options));
}

/** A stack whose only agent keeps its state on a small disk of its own. */
export async function withSmallDisk<T>(
  options: Partial<FaultStackOptions>,
  run: (faults: FaultStack) => Promise<T>,
): Promise<T> {
  const disks: string[] = [];
  const agentOptions = (index: number, stack: { folder: string }) => {
    disks.push(mountSmallDisk(join(stack.folder, `host-${index + 1}`), { sizeMiB: diskMiB, mode: "700" }));
    return {};
  };
  let faults: FaultStack | undefined;
  try {
    faults = await startFaultStack({ agents: 1, agentOptions, ...options });
    return await run(faults);
  } finally {
    for (const disk of disks) spawnSync("umount", ["-l", disk]); // what still runs keeps what it has open
    await faults?.stop();
  }
}

/** On a stack of withSmallDisk. */
export async function fillAgain(faults: FaultStack, options: { seed: string; times: number }): Promise<Report> {
  const { seed, times } = options;
  const startedAt = new Date();
  const began = performance.now();
  const random = createRandom(seed);
  const violations: Violation[] = [];
  const recovered: number[] = [];
  let cutBytes = 0;
  for (let round = 1; round <= times; round++) {
    const [exitCode, lines] = [random.int(0, 9), random.int(2000, 200_000)];
    const result = await fillOnce(faults, { name: `disk-${seed}-${round}`, exitCode, lines });
    violations.push(...result.wrong.map((what) => ({ invariant: "bar" as const, subject: `round ${round}`, what })));
    recovered.push(result.recoveredMs);
    cutBytes += result.cutBytes;
  }
  for (const end of faults.ownEnds)
    violations.push({
      invariant: "bar",
      subject: end.who,
      what: `ended by itself with ${end.code}:\n${end.lastWords}`,
    });
  return {
    name: "host-disk",
    about: `The agent's state folder on a disk of ${diskMiB} MiB, filled to the last byte while a step runs.`,
    seed,
    command: `npm run faults -- disk --where host --times ${times} --seed ${seed}`,
    ...{ startedAt, tookMs: performance.now() - began, tables: [], violations },
    notes: ["Recovered means: work that was refused meanwhile has run, counted from the moment there was space again."],
    figures: {
      "disks filled": times,
      "bytes cut from output, all counted": cutBytes,
      "recovered, p50 ms": Math.round(percentile(recovered, 0.5)),
      "recovered, max ms": Math.round(percentile(recovered, 1)),
    },
  };
}

interface Round {
  name: string;
  exitCode: number;
  lines: number;
}

interface RoundResult {
  wrong: string[];
  recoveredMs: number;
  cutBytes: number;
}

const lineBytes = 28;

async function fillOnce(faults: FaultStack, { name, exitCode, lines }: Round): Promise<RoundResult> {
  const agent = faults.agents[0]!;
  const file = (what: string) => join(faults.stack.folder, "evidence", `${name}.${what}`);
  const [ledger, gate] = [file("ledger"), file("gate")];
  const print = `awk 'BEGIN { for (i = 0; i < ${lines}; i++) printf "%027d\\n", i }'`;
  const work = `echo start >> ${ledger}\necho before\nwhile [ ! -e ${gate} ]; do sleep 0.05; done\n${print}\necho end >> ${ledger}\nexit ${exitCode}`;
  const steps = { work, after: `echo start >> ${file("after")}` };
  const running = await startSteps(faults, name, agent.name, steps);
  await waitFor("the step to run", () => countLines(ledger, "start") > 0);
  const filler = join(agent.stateDir, "filler");
  fillDisk(filler, "w");
  writeFileSync(gate, "");
  await waitFor("the step to end", () => countLines(ledger, "end") > 0);
  const wrong: string[] = [];
  const reason = await waitFor("the agent to say why it takes no work", () => degradedOf(faults, agent), {
    timeoutMs: 120_000, // on a busy machine its connection may be lost and found meanwhile
  });
  if (!/^Only \d+ MiB are free/.test(reason)) wrong.push(`it said: ${reason}`);
  const refused = await startSteps(faults, `${name}-refused`, agent.name, { work: `echo start >> ${file("refused")}` });
  await waitFor("the full disk to be seen for a while", () => true, { timeoutMs: 1000 });
  if (readOr(file("refused")) !== "") wrong.push("work was taken on a full disk");

  rmSync(filler);
  const began = performance.now();
  const taken = await untilOver(faults, refused, 60_000);
  const recoveredMs = performance.now() - began;
  if (taken.state !== "succeeded") wrong.push(`the refused work ended as ${taken.state}`);
  if (recoveredMs > recoverWithinMs) wrong.push(`it took ${Math.round(recoveredMs)} ms to recover`);
  await untilOver(faults, running, 60_000);
  const tries = await triesOf(faults, running);
  const checked = checkTry(
    tries.find((t) => t.step === "work"),
    exitCode,
    7 + lines * lineBytes,
  );
  wrong.push(...checked.wrong);
  const afterStarts = countLines(file("after"), "start");
  if (afterStarts !== (exitCode === 0 ? 1 : 0)) wrong.push(`the step after it was started ${afterStarts} times`);
  if (countLines(ledger, "start") !== 1) wrong.push("the step was started more than once");
  return { wrong, recoveredMs, cutBytes: checked.cutBytes };
}

function checkTry(
  found: StoredTry | undefined,
  exitCode: number,
  printed: number,
): { wrong: string[]; cutBytes: number } {
  if (found === undefined) return { wrong: ["nothing is known of the step"], cutBytes: 0 };
  const wrong: string[] = [];
  const cutBytes = found.gaps.reduce((sum, gap) => sum + gap.omittedBytes, 0);
  const state = exitCode === 0 ? "succeeded" : "failed";
  if (found.state !== state || found.exitCode !== exitCode) wrong.push(`it ended as ${found.state}, ${found.exitCode}`);
  if (found.rawBytes !== printed) wrong.push(`it printed ${printed} bytes, and ${found.rawBytes} are told`);
  if (found.storedBytes + cutBytes !== printed)
    wrong.push(`${found.storedBytes} stored and ${cutBytes} in gaps are not the ${printed} it printed`);
  return { wrong, cutBytes };
}

async function degradedOf(faults: FaultStack, agent: ExtraAgent): Promise<string | undefined> {
  const { items } = await faults.api.call<{ items: Agent[] }>("GET", "/api/v1/agents");
  return items.find((item) => item.name === agent.name)?.vitals.degraded || undefined;
}
