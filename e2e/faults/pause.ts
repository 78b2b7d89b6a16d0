// npm run faults -- pause: two controllers on one database, their agents behind a balancer; controllers, agents and
// PostgreSQL are stopped for longer than a lease while others take over, and when they go on nothing of theirs may be
// written. Called by main.ts and the smoke test.
import { randomBytes } from "node:crypto";
import { Api } from "../devstack/api.ts";
import type { Devstack } from "../devstack/devstack.ts";
import { Balancer } from "./balancer.ts";
import { Chatter, chatterJob } from "./chatter.ts";
import { checkFences } from "./check-fences.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, faultsPassword, startFaultStack } from "./fault-stack.ts";
import { pauseKinds, planPauses } from "./pause-plan.ts";
import { type PausedController, Pauser, type Resumed } from "./pauser.ts";
import { createRandom, type Random } from "./random.ts";
import { ReliableApi } from "./reliable-api.ts";
import { finishReport, type Report, type ReportTable } from "./report.ts";
import { type SecondController, startSecondController } from "./second-controller.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";
import { planWorkload, type Workload } from "./workload.ts";
import { installWrites, readWrites } from "./writes.ts";

export interface PauseOptions {
  seed: string;
  times: number;
  agents: number;
  /** See PauseLimits. */
  longEvery: number;
  settleMs?: number;
  say?: (line: string) => void;
}

const leaseSeconds = 3;

export async function pauseCommand(args: string[]): Promise<number> {
  const { seed, count: times = 20, report } = parseOptions(args, "times");
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${times} pauses`);
  return finishReport(await runPause({ seed, times, agents: 4, longEvery: 25, say }), report);
}

export async function runPause(options: PauseOptions): Promise<Report> {
  const env = { OC_LEASE_SECONDS: String(leaseSeconds), ENCRYPTION_KEY: randomBytes(32).toString("base64") };
  const ports: number[] = [];
  const balancer = await Balancer.listen(ports);
  try {
    const addPort = (stack: Devstack) => ports.push(Number(stack.agentAddress.split(":").at(-1)));
    const agentOptions = (index: number, stack: Devstack) => {
      if (index === 0) addPort(stack);
      return { dial: `127.0.0.1:${balancer.port}` };
    };
    const faults = await startFaultStack({ agents: options.agents, restart: false, env, agentOptions });
    let second: SecondController | undefined;
    try {
      second = await startSecondController(faults, env);
      addPort(second.stack);
      return await pauseAll(faults, second, balancer, options);
    } finally {
      await second?.stop();
      await faults.stop();
    }
  } finally {
    balancer.close();
  }
}

async function pauseAll(
  faults: FaultStack,
  second: SecondController,
  balancer: Balancer,
  options: PauseOptions,
): Promise<Report> {
  const { seed, times, agents, say = () => {}, settleMs = 120_000 } = options;
  const random: Random = createRandom(seed);
  const startedAt = new Date();
  const began = performance.now();
  await installWrites(faults.owner());
  const workload = planWorkload(random.stream("workload"), { targets: faults.targets, maxBytes: 256 * 1024 });
  await saveJobs(faults, { ...workload, jobs: [...workload.jobs, chatterJob] });
  const over = new AbortController();
  const otherApi = new ReliableApi(() => Api.signIn(second.stack.url, "admin", faultsPassword), over.signal);
  const feeds = [
    feedWork(faults, workload, () => agents),
    feedWork({ api: otherApi, owner: () => faults.owner() }, elsewhere(workload), () => agents),
  ];
  const chatters = faults.targets.map((host) => new Chatter(faults.api, host));
  const pauser = new Pauser(faults, balancer, await controllersOf(faults, second));
  const plan = planPauses(random.stream("pauses"), times, {
    agents,
    leaseMs: leaseSeconds * 1000,
    longEvery: options.longEvery,
  });
  const onResumed = () => {
    if (pauser.resumed.length % 20 === 0)
      say(`${Math.round((performance.now() - began) / 1000)} s: ${pauser.resumed.length} pauses`);
  };
  await Promise.all([plan.central, ...plan.agents].map((pauses) => pauser.carryOut(pauses, onResumed)));
  await Promise.all([...feeds, ...chatters].map((source) => source.stop()));
  const asked = [...feeds, ...chatters].flatMap((source) => source.asked);
  const settled = await settle(faults, settleMs);
  over.abort();
  const evidence = await collectEvidence(faults, { asked, leftovers: settled.leftovers });
  const writes = await readWrites(faults.owner());
  const { resumed, missed } = pauser;
  return {
    name: "pause",
    about:
      "Two controllers on one database; controllers, agents and PostgreSQL stopped (SIGSTOP) for longer than a lease under load while others take over. No write of a session that was taken over may be accepted.",
    seed,
    command: `npm run faults -- pause --times ${times} --seed ${seed}`,
    ...{ startedAt, tookMs: performance.now() - began },
    tables: [pauseTable(resumed)],
    notes: [
      "A write is one transaction that stored events or output of an agent. The test's own trigger records the epoch and controller of the agent's session at that moment, whose connection wrote, and whether the transaction held the session's row.",
      `The lease was ${leaseSeconds} s (OC_LEASE_SECONDS).`,
      "A controller hears of executions made by the other within 3 s, by its poll; pages that are open on one are told of what the other recorded when they load again.",
    ],
    violations: [...checkInvariants(evidence), ...checkFences(writes), ...checkShown(resumed)],
    figures: {
      pauses: resumed.length,
      "sessions taken over while their holder was paused": sum(resumed, (r) =>
        r.pause.kind.startsWith("controller") ? r.takenOver : 0,
      ),
      "streams delivered after a newer one": resumed.filter((r) => r.lateBytes > 0).length,
      "bytes of them": sum(resumed, (r) => r.lateBytes),
      "late streams that found none": missed,
      ...countChecked(evidence),
      "writes checked": writes.length,
      "executions made through the second controller": feeds[1]!.asked.length,
      "seconds to settle": Math.round(settled.tookMs / 1000),
    },
  };
}

/** The second controller's executions have keys and seeds of their own. */
function elsewhere(workload: Workload): Workload {
  return { ...workload, execution: (index) => workload.execution(1_000_000 + index) };
}

async function controllersOf(faults: FaultStack, second: SecondController): Promise<PausedController[]> {
  const rows = await faults.owner()<{ id: string }[]>`select id from fleet.controllers order by started_at`;
  const pids = [faults.stack.controller().pid, second.stack.controller().pid];
  return pids.map((pid, index) => ({ id: rows[index]!.id, pid }));
}

function checkShown(resumed: readonly Resumed[]): Violation[] {
  return resumed
    .filter((r) => r.shownOnline > 0)
    .map(({ pause, shownOnline }) => ({
      invariant: "bar",
      subject: `pause ${pause.index} (${pause.kind}, ${pause.forMs} ms)`,
      what: `${shownOnline} agents were shown as online on a controller whose lease was over`,
    }));
}

function pauseTable(resumed: readonly Resumed[]): ReportTable {
  const rows = pauseKinds.flatMap((kind) => {
    const own = resumed.filter((r) => r.pause.kind === kind);
    const longest = Math.max(0, ...own.map((r) => r.pause.forMs)) / 1000;
    return own.length > 0 ? [[kind, own.length, longest.toFixed(1), sum(own, (r) => r.takenOver)]] : [];
  });
  return { title: "Pauses", columns: ["who", "times", "longest, s", "sessions taken over meanwhile"], rows };
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}
