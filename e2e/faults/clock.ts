// npm run faults -- clock: the agents' wall clocks jump by up to a day under load, and agents start with wrong ones. No
// timeout, deadline or lease may be wrong, the console must say by how much a clock is off, and where TLS refuses because
// of it, the agent must say so. Called by main.ts and the smoke test.
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "@opsconductor/contract/api/agents";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { FakeClock, whyNoFakeClock } from "./fake-clock.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";
import { planWorkload } from "./workload.ts";

export interface ClockOptions {
  seed: string;
  /** Jumps of some agent's clock. */
  times: number;
  agents?: number;
  settleMs?: number;
  say?: (line: string) => void;
}

const hour = 3600;
const day = 24 * hour;
const offsets = [day, -day, hour, -hour, 30, -30, 0];

export async function clockCommand(args: string[]): Promise<number> {
  const { seed, count: times = 40, report } = parseOptions(args, "times");
  const why = whyNoFakeClock();
  if (why) {
    process.stderr.write(`clock cannot run here: ${why}.\n`);
    return 2;
  }
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${times} jumps of clocks`);
  return finishReport(await runClock({ seed, times, say }), report);
}

export async function runClock(options: ClockOptions): Promise<Report> {
  const clocks: FakeClock[] = [];
  const faults = await startFaultStack({
    agents: options.agents ?? 3,
    restart: false,
    agentOptions: (index, stack) => {
      clocks[index] = new FakeClock(stack.folder, String(index));
      return { env: clocks[index].env };
    },
  });
  try {
    return await shift(faults, clocks, options);
  } finally {
    await faults.stop();
  }
}

async function shift(faults: FaultStack, clocks: FakeClock[], options: ClockOptions): Promise<Report> {
  const { seed, times, say = () => {}, settleMs = 90_000 } = options;
  const random = createRandom(seed);
  const startedAt = new Date();
  const began = performance.now();
  const workload = planWorkload(random.stream("workload"), { targets: faults.targets, maxBytes: 128 * 1024 });
  await saveJobs(faults, workload);
  const feed = feedWork(faults, workload, () => 3 * clocks.length);
  await jump(clocks, random.stream("jumps"), times);
  say(`${times} jumps`);
  const violations = [...(await checkAhead(faults, clocks)), ...(await checkBehind(faults, clocks))];
  await feed.stop();
  const settled = await settle(faults, settleMs);
  const evidence = await collectEvidence(faults, { asked: feed.asked, leftovers: settled.leftovers });
  return {
    name: "clock",
    about:
      "The agents' wall clocks jump by up to a day both ways under load, and agents are restarted with a wrong one. No timeout, deadline or lease may be wrong.",
    seed,
    command: `npm run faults -- clock --times ${times} --seed ${seed}`,
    ...{ startedAt, tookMs: performance.now() - began, tables: [] },
    notes: [
      "libfaketime moves the wall clock of the agent's process, TLS included; the monotonic clock and the steps' own clocks are right.",
      "An agent that is a day ahead works as any other. One that is a day behind keeps its connection, and cannot make a new one, because by its clock the controller's certificate is not valid yet; it says so.",
    ],
    violations: [...violations, ...checkInvariants(evidence)],
    figures: {
      jumps: times,
      ...countChecked(evidence),
      "tries timed out that have a timeout": evidence.tries.filter((row) => row.state === "timed_out").length,
      "seconds to settle": Math.round(settled.tookMs / 1000),
    },
  };
}

async function jump(clocks: readonly FakeClock[], random: Random, times: number): Promise<void> {
  for (let index = 0; index < times; index++) {
    clocks[index % clocks.length]!.set(random.pick(offsets));
    await sleep(random.int(100, 800));
  }
  for (const clock of clocks) clock.set(0);
}

const wrong = (subject: string, what: string): Violation => ({ invariant: "bar", subject, what });

/** A day ahead, and started so: connected, working, and told by how much. */
async function checkAhead(faults: FaultStack, clocks: readonly FakeClock[]): Promise<Violation[]> {
  const agent = faults.agents[0]!;
  clocks[0]!.set(day);
  await restart(agent);
  const isToldAhead = async () => {
    const shown = await shownAs(faults, agent);
    return shown.state === "online" && Math.abs((shown.vitals.clockOffsetMs ?? 0) - day * 1000) < 60_000;
  };
  const told = await holdsWithin(isToldAhead);
  return told ? [] : [wrong(agent.name, "is a day ahead, and was not shown as online with a clock a day ahead")];
}

/** A day behind, and started so: not connected, and the agent says why; connected again once the clock is right. */
async function checkBehind(faults: FaultStack, clocks: readonly FakeClock[]): Promise<Violation[]> {
  const [agent, found] = [faults.agents[1]!, [] as Violation[]];
  const tellsOfClock = (text: string) => /this host's clock says .* set the clock/.test(text);
  clocks[1]!.set(-day);
  await restart(agent);
  if (!(await holdsWithin(() => tellsOfClock(agent.command("status").output))))
    found.push(wrong(agent.name, `is a day behind, and its status says: ${agent.command("status").output}`));
  if (!(await holdsWithin(() => tellsOfClock(agent.log()))))
    found.push(wrong(agent.name, "is a day behind, and its log does not say so"));
  if ((await shownAs(faults, agent)).state !== "offline")
    found.push(wrong(agent.name, "cannot connect, and is not shown as offline"));
  clocks[1]!.set(0);
  const isBack = async () => (await shownAs(faults, agent)).state === "online";
  if (!(await holdsWithin(isBack))) found.push(wrong(agent.name, "was not back after its clock was set right"));
  return found;
}

async function restart(agent: ExtraAgent): Promise<void> {
  await agent.stop();
  agent.start();
}

async function shownAs(faults: FaultStack, agent: ExtraAgent): Promise<Agent> {
  return faults.api.call<Agent>("GET", `/api/v1/agents/${agent.name}`);
}

async function holdsWithin(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<boolean> {
  return waitFor("the clock's effect", condition, { timeoutMs, everyMs: 250 }).then(
    () => true,
    () => false,
  );
}
