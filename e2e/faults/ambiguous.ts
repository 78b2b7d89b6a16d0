// npm run faults -- ambiguous: a proxy between controller and PostgreSQL takes the answer from one commit in ten, or the
// commit itself, under load; then the invariants are judged. Called by main.ts and the smoke test.
import { Api } from "../devstack/api.ts";
import { writeBare } from "./bare-writes.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import { type CuttingProxy, startCuttingProxy } from "./cutting-proxy.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, faultsPassword, startFaultStack } from "./fault-stack.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, percentile, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";
import { startTestPostgres, type TestPostgres, urlThrough } from "./test-postgres.ts";
import { planWorkload } from "./workload.ts";

export interface AmbiguousOptions {
  seed: string;
  commits: number;
  /** Of the commits that are cut. */
  share?: number;
  agents?: number;
  /** Where what explains a violation is kept. */
  keepIn?: string | undefined;
  say?: (line: string) => void;
}

export async function ambiguousCommand(args: string[]): Promise<number> {
  const { seed, count: commits = 1000, report, others } = parseOptions(args, "commits", ["share"]);
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${commits} commits`);
  return finishReport(
    await runAmbiguous({ seed, commits, share: Number(others.share ?? 0.1), say, keepIn: report }),
    report,
  );
}

export async function runAmbiguous(options: AmbiguousOptions): Promise<Report> {
  const random = createRandom(options.seed);
  const postgres = await startTestPostgres();
  try {
    const share = options.share ?? 0.1;
    const proxy = await startCuttingProxy({ socket: postgres.socket, seed: `${options.seed}/cuts`, share });
    const faults = await startFaultStack({ agents: options.agents ?? 4, ...through(proxy.port, postgres) }).catch(
      async (error) => {
        await proxy.close();
        throw error;
      },
    );
    try {
      return await attack(faults, proxy, options, random);
    } finally {
      await faults.stop();
      await proxy.close();
    }
  } finally {
    await postgres.stop();
  }
}

function through(port: number, { owner, app, data }: TestPostgres) {
  const env = { DATABASE_URL: urlThrough(port, app), DATABASE_OWNER_URL: urlThrough(port, owner) };
  return { env, server: { owner, data } };
}

async function attack(
  faults: FaultStack,
  proxy: CuttingProxy,
  options: AmbiguousOptions,
  random: Random,
): Promise<Report> {
  const { commits, seed, say = () => {} } = options;
  const [startedAt, began] = [new Date(), performance.now()];
  const load = { targets: faults.targets, maxBytes: 64 * 1024, longMs: 400 };
  const workload = planWorkload(random.stream("workload"), load);
  await saveJobs(faults, workload);
  const feed = feedWork(faults, workload, () => 32);
  const bare = writeBare(faults, () => Api.signIn(faults.stack.url, "admin", faultsPassword));
  proxy.arm(true);
  for (let told = 0; proxy.counts().commits < commits; await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (proxy.counts().commits < told + 1000) continue;
    told = proxy.counts().commits;
    say(`${told} commits, ${feed.steps} steps, ${Math.round((performance.now() - began) / 1000)} s`);
  }
  const cuttingMs = performance.now() - began;
  await bare.stop();
  await feed.stop();
  proxy.arm(false);
  const settled = await settle(faults, 120_000);
  const evidence = await collectEvidence(faults, { asked: feed.asked, leftovers: settled.leftovers });
  const ownEnds = faults.ownEnds.map(
    ({ who, code, lastWords }): Violation => ({
      ...{ invariant: 6, subject: who, what: `ended by itself with ${code}: ${lastWords}` },
    }),
  );
  const violations = [...checkInvariants(evidence), ...(await bare.judge()), ...ownEnds];
  if (violations.length > 0 && options.keepIn !== undefined) keepEvidence(faults, evidence, options.keepIn);
  return {
    name: "ambiguous",
    about: "The answers to COMMIT, or the commits themselves, cut off between controller and PostgreSQL under load.",
    ...{ seed, command: `npm run faults -- ambiguous --commits ${commits} --seed ${seed}` },
    ...{ startedAt, tookMs: performance.now() - began, tables: [answersTable(bare.answers)], notes: [] },
    violations,
    figures: {
      ...proxy.counts(),
      ...countChecked(evidence),
      "commits a second": Math.round(proxy.counts().commits / (cuttingMs / 1000)),
      "seconds to settle": Math.round(settled.tookMs / 1000),
      "POST answered, p50 ms": Math.round(percentile(feed.answerMs, 0.5)),
      "POST answered, p99 ms": Math.round(percentile(feed.answerMs, 0.99)),
    },
  };
}

function answersTable(answers: Record<number, number>) {
  return {
    title: "Writes without a key",
    about: "201: it exists. 503: nothing was changed. 504: not known; either.",
    ...{ columns: ["status", "how many"], rows: Object.entries(answers) },
  };
}
