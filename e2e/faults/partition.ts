// npm run faults -- partition: agents in networks of their own are cut off in every way a network breaks, under load;
// afterwards every promise is judged. Called by main.ts and the smoke test.
import type { Agent } from "@opsconductor/contract/api/agents";
import { Chatter, chatterJob } from "./chatter.ts";
import { checkFences } from "./check-fences.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, runningStacks, startFaultStack } from "./fault-stack.ts";
import { cutKinds, planCuts } from "./partition-plan.ts";
import { type Healed, Partitioner } from "./partitioner.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, percentile, type Report, type ReportTable } from "./report.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";
import { TestNetwork, whyNoNetwork } from "./test-network.ts";
import { planWorkload } from "./workload.ts";
import { installWrites, readWrites } from "./writes.ts";

export interface PartitionOptions {
  seed: string;
  times: number;
  hosts: number;
  /** Of the cuts, so many outlast the controller's patience. */
  long: number;
  /** Of all other cuts. */
  mostMs: number;
  settleMs?: number;
  say?: (line: string) => void;
}

const seenWithinMs = 30_000;
const backWithinMs = 5_000;

export async function partitionCommand(args: string[]): Promise<number> {
  const { seed, count: times = 20, report, others } = parseOptions(args, "times", ["hosts"]);
  const why = whyNoNetwork();
  if (why) {
    process.stderr.write(`partition cannot run here: ${why}.\n`);
    return 2;
  }
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const hosts = Number(others.hosts ?? 8);
  say(`seed ${seed}: ${times} partitions of ${hosts} hosts`);
  const long = Math.ceil(times / 20);
  return finishReport(await runPartition({ seed, times, hosts, long, mostMs: 16_000, say }), report);
}

export async function runPartition(options: PartitionOptions): Promise<Report> {
  const network = await TestNetwork.create(options.hosts);
  const interrupted = { stop: () => network.remove() };
  runningStacks.add(interrupted);
  try {
    const faults = await startFaultStack({
      agents: options.hosts,
      restart: false,
      agentHost: "0.0.0.0",
      agentOptions: (index, stack) => ({
        through: network.through(index),
        dial: `${network.gateway}:${stack.agentAddress.split(":").at(-1)}`,
      }),
    });
    try {
      return await cutOff(faults, network, options, createRandom(options.seed));
    } finally {
      await faults.stop();
    }
  } finally {
    runningStacks.delete(interrupted);
    await network.remove();
  }
}

async function cutOff(
  faults: FaultStack,
  network: TestNetwork,
  options: PartitionOptions,
  random: Random,
): Promise<Report> {
  const { times, hosts, say = () => {}, settleMs = 120_000 } = options;
  const startedAt = new Date();
  const began = performance.now();
  await installWrites(faults.owner());
  const workload = planWorkload(random.stream("workload"), { targets: faults.targets, maxBytes: 512 * 1024 });
  await saveJobs(faults, { ...workload, jobs: [...workload.jobs, chatterJob] });
  const feed = feedWork(faults, workload, () => hosts + 4);
  const chatters = faults.targets.map((host) => new Chatter(faults.api, host));
  const { items } = await faults.api.call<{ items: Agent[] }>("GET", "/api/v1/agents");
  const partitioner = new Partitioner(faults, network, new Map(items.map((agent) => [agent.name, agent.id])));
  const cuts = planCuts(random.stream("cuts"), times, hosts, options);
  const onHealed = () => {
    if (partitioner.healed.length % 20 === 0)
      say(
        `${Math.round((performance.now() - began) / 1000)} s: ${partitioner.healed.length} partitions, ${feed.steps} steps`,
      );
  };
  const byHost = Map.groupBy(cuts, (cut) => cut.host);
  await Promise.all([...byHost.values()].map((own) => partitioner.carryOut(own, onHealed)));
  await Promise.all([feed, ...chatters].map((source) => source.stop()));
  const asked = [...feed.asked, ...chatters.flatMap((chatter) => chatter.asked)];
  const settled = await settle(faults, settleMs);
  const evidence = await collectEvidence(faults, { asked, leftovers: settled.leftovers });
  const writes = await readWrites(faults.owner());
  const { healed } = partitioner;
  return {
    name: "partition",
    about:
      "Hosts in network namespaces cut off under load: both ways, one way, half-open, flapping, lossy. Nothing may be lost or happen twice, a dead peer is seen, and a healed one is back.",
    seed: options.seed,
    command: `npm run faults -- partition --times ${times} --hosts ${hosts} --seed ${options.seed}`,
    ...{ startedAt, tookMs: performance.now() - began },
    tables: [backTable(healed), seenTable(healed)],
    notes: [
      "`seen`: from the cut until the API shows the agent as offline. `back`: from the heal until something that the agent said after it was stored; for a half-open link, whose old connection is never healed, from the cut.",
      "`slow`: delay and reordering where the kernel has netem, a link of 512 kbit/s elsewhere.",
    ],
    violations: [...checkInvariants(evidence), ...checkFences(writes), ...checkTimes(healed)],
    figures: {
      partitions: healed.length,
      "connections made anew": healed.filter((h) => h.reconnected).length,
      "outlasted the controller's patience": healed.filter((h) => h.seenMs !== undefined).length,
      "dead peer seen, longest s": seconds(Math.max(0, ...healed.flatMap((h) => h.seenMs ?? []))),
      "back after heal, p50 s": seconds(percentile(backTimes(healed), 0.5)),
      "back after heal, p99 s": seconds(percentile(backTimes(healed), 0.99)),
      "back after heal, longest s": seconds(Math.max(0, ...backTimes(healed))),
      ...countChecked(evidence),
      "writes with the session's lock": writes.length,
      "seconds to settle": Math.round(settled.tookMs / 1000),
    },
  };
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
const backTimes = (healed: readonly Healed[]): number[] =>
  healed.filter((h) => h.cut.kind !== "half-open").map((h) => h.backMs);

function checkTimes(healed: readonly Healed[]): Violation[] {
  return healed.flatMap((h): Violation[] => {
    const subject = `cut ${h.cut.index} (${h.cut.kind}, ${h.cut.forMs} ms) of ${h.host}`;
    const late = (what: string): Violation => ({ invariant: "bar", subject, what });
    const mostMs = h.cut.kind === "half-open" ? seenWithinMs : backWithinMs;
    return [
      ...(h.seenMs !== undefined && h.seenMs > seenWithinMs ? [late(`was seen after ${seconds(h.seenMs)} s`)] : []),
      ...(h.shownUnreachable === false ? [late("its unfinished work was not shown as unreachable")] : []),
      ...(h.backMs > mostMs ? [late(`was back after ${seconds(h.backMs)} s`)] : []),
    ];
  });
}

function backTable(healed: readonly Healed[]): ReportTable {
  const rows = cutKinds.flatMap((kind) => {
    const own = healed.filter((h) => h.cut.kind === kind);
    const times = own.map((h) => h.backMs);
    const anew = own.filter((h) => h.reconnected).length;
    const columns = [0.5, 0.9, 0.99, 1].map((share) => seconds(percentile(times, share)));
    return own.length > 0 ? [[kind, own.length, anew, ...columns]] : [];
  });
  return {
    title: "Back after the heal, seconds",
    columns: ["cut", "times", "connected anew", "p50", "p90", "p99", "longest"],
    rows,
  };
}

function seenTable(healed: readonly Healed[]): ReportTable {
  const times = healed.flatMap((h) => h.seenMs ?? []);
  const rows = [[times.length, ...[0, 0.5, 0.9, 1].map((share) => seconds(percentile(times, share)))]];
  return { title: "Dead peer seen, seconds", columns: ["times", "shortest", "p50", "p90", "longest"], rows };
}
