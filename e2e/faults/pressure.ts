// npm run faults -- pressure: a step prints gigabytes while the controller is away. The agent's memory and spool stay
// within their limits, one gap says exactly what was left out, and a small step beside it is not held up. Called by
// main.ts and the smoke test.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { finishReport, type Report } from "./report.ts";
import { countLines, readOr, startSteps, triesOf, untilOver } from "./step-of-host.ts";

/**
 * Of the 150 MB of bars.md, what is left beside an idle agent as it is installed (70 MB). The agent of this test runs from
 * its sources, and is larger by what Node needs to read them: so the flood's own share is judged.
 */
const mostFloodBytes = 80 * 1000 ** 2;
const limitMiB = 16;
const line = "0123456789abcdef\n";

export interface PressureOptions {
  seed: string;
  bytes: number;
  awayMs: number;
}

/** How long what was killed stays away: of the stack that `applyPressure` is given. */
export interface Delay {
  ms: number;
}

export async function pressureCommand(args: string[]): Promise<number> {
  const { seed, count: megabytes = 5000, report, others } = parseOptions(args, "megabytes", ["away-seconds"]);
  const awayMs = Number(others["away-seconds"] ?? 600) * 1000;
  const delay: Delay = { ms: 100 };
  const faults = await startFaultStack({ agents: 1, restartDelayMs: () => delay.ms });
  try {
    return finishReport(await applyPressure(faults, delay, { seed, bytes: megabytes * 1e6, awayMs }), report);
  } finally {
    await faults.stop();
  }
}

export async function applyPressure(faults: FaultStack, delay: Delay, options: PressureOptions): Promise<Report> {
  const { seed, bytes, awayMs } = options;
  const startedAt = new Date();
  const began = performance.now();
  const agent = faults.agents[0]!;
  const ledger = join(faults.stack.folder, "evidence", `pressure-${seed}.ledger`);
  const gate = `${ledger}.gate`;
  const flood = `echo start >> ${ledger}\nyes 0123456789abcdef | head -c ${bytes}\necho printed >> ${ledger}\nwhile [ ! -e ${gate} ]; do sleep 0.1; done\nexit 5`;
  const execution = await startSteps(faults, `pressure-${seed}`, agent.name, { flood }, { output: `${limitMiB}MiB` });
  await waitFor("the step to print", () => countLines(ledger, "start") > 0);
  const spool = watchSpool(agent);
  forgetPeak(agent.pid);
  const idleBytes = peakMemory(agent.pid);
  delay.ms = awayMs;
  faults.stack.controller().kill("SIGKILL");
  await waitFor("all to be printed", () => countLines(ledger, "printed") > 0, { timeoutMs: 600_000, everyMs: 200 });
  const printedMs = performance.now() - began;
  await waitFor("the controller to be back", () => faults.controllerIsUp, { timeoutMs: awayMs + 60_000, everyMs: 200 });
  delay.ms = 100;
  const back = performance.now();
  const small = await startSteps(faults, `pressure-${seed}-small`, agent.name, { small: "echo hello" });
  const smallEnd = await untilOver(faults, small, 60_000);
  const smallMs = performance.now() - back;
  const peakBytes = peakMemory(agent.pid);
  writeFileSync(gate, "");
  await untilOver(faults, execution, 120_000);
  const wrong = await checkFlood(faults, execution, bytes);
  if (smallEnd.state !== "succeeded") wrong.push(`the small step ended as ${smallEnd.state}`);
  if (peakBytes - idleBytes > mostFloodBytes)
    wrong.push(`the agent's memory grew from ${idleBytes} to ${peakBytes} bytes`);
  const spoolBytes = spool.stop();
  if (spoolBytes > limitMiB * 1024 ** 2 + 4096) wrong.push(`the spool came to ${spoolBytes} bytes`);
  return {
    name: "pressure",
    about: `A step prints ${bytes / 1e6} MB while the controller is away for ${awayMs / 1000} s.`,
    seed,
    command: `npm run faults -- pressure --megabytes ${bytes / 1e6} --away-seconds ${awayMs / 1000}`,
    ...{ startedAt, tookMs: performance.now() - began, tables: [], notes: [] },
    violations: wrong.map((what): Violation => ({ invariant: "bar", subject: "the flood", what })),
    figures: {
      "MB printed": bytes / 1e6,
      "seconds to print them": Math.round(printedMs / 1000),
      "seconds away": awayMs / 1000,
      "agent's memory before, MB": Math.round(idleBytes / 1e6),
      "agent's memory at its peak, MB": Math.round(peakBytes / 1e6),
      "spool at its peak, MiB": (spoolBytes / 1024 ** 2).toFixed(1),
      "small step beside it, ms after the return": Math.round(smallMs),
    },
  };
}

async function checkFlood(faults: FaultStack, execution: string, printed: number): Promise<string[]> {
  const [flood] = await triesOf(faults, execution);
  if (flood === undefined) return ["nothing is known of the step"];
  const wrong: string[] = [];
  const cut = flood.gaps.reduce((sum, gap) => sum + gap.omittedBytes, 0);
  if (flood.state !== "failed" || flood.exitCode !== 5) wrong.push(`it ended as ${flood.state}, ${flood.exitCode}`);
  if (flood.rawBytes !== printed) wrong.push(`${flood.rawBytes} bytes are told`);
  if (flood.gaps.length !== 1 || flood.storedBytes + cut !== printed)
    wrong.push(`${flood.storedBytes} stored and ${cut} left out are not what it printed`);
  const evidence = await collectEvidence(faults, { asked: [] });
  const row = evidence.tries.find((t) => t.step === "flood" && t.rawBytes === printed)!;
  const stored = Buffer.concat(evidence.readOutput(row).map((chunk) => chunk.bytes));
  const gap = flood.gaps[0] ?? { offset: stored.length, omittedBytes: 0 };
  if (!isPattern(stored.subarray(0, gap.offset), 0)) wrong.push("its beginning is not what it printed");
  if (!isPattern(stored.subarray(gap.offset), gap.offset + cut)) wrong.push("its end is not what it printed");
  return wrong;
}

/** Whether `bytes` stand at `offset` of what the step printed. */
function isPattern(bytes: Buffer, offset: number): boolean {
  const turned = line.slice(offset % line.length) + line.slice(0, offset % line.length);
  return bytes.equals(Buffer.alloc(bytes.length, turned));
}

function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** An agent that runs from its sources takes most while it starts: what counts is what comes after. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The most that heads and tails of the agent's tries have held at once. */
function watchSpool(agent: ExtraAgent): { stop(): number } {
  const work = join(agent.stateDir, "host", "work");
  let most = 0;
  const look = () => {
    most = Math.max(most, sizeOf(work));
  };
  const timer = setInterval(look, 100);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return most;
    },
  };
}

function sizeOf(work: string): number {
  try {
    const files = readdirSync(work, { recursive: true }) as string[];
    const spooled = files.filter((file) => /\/(head|tail)$/.test(file));
    return spooled.reduce((sum, file) => sum + (statSync(join(work, file), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch {
    return 0; // a folder went while we looked
  }
}
