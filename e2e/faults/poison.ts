// npm run faults -- poison: the disk answers the agent's next sync with EIO while a step runs. The agent must take no more
// work, end with its own exit code, and the next one must adopt the step. Called by main.ts and the smoke test.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { createRandom } from "./random.ts";
import { finishReport, percentile, type Report } from "./report.ts";
import { countLines, startSteps, triesOf, untilOver } from "./step-of-host.ts";

/** As in the agent: EX_IOERR. */
const stateFailedExit = 74;

export async function poisonCommand(args: string[]): Promise<number> {
  const { seed, count: times = 20, report } = parseOptions(args, "times");
  return finishReport(await runPoison({ seed, times }), report);
}

export async function runPoison(options: { seed: string; times: number }): Promise<Report> {
  const faults = await startFaultStack({ agents: 1, restartDelayMs: () => 500 });
  try {
    return await poisonAgain(faults, options);
  } finally {
    await faults.stop();
  }
}

/** Of a stack that is there. */
export async function poisonAgain(faults: FaultStack, options: { seed: string; times: number }): Promise<Report> {
  const { seed, times } = options;
  const startedAt = new Date();
  const began = performance.now();
  const random = createRandom(seed);
  const violations: Violation[] = [];
  const backMs: number[] = [];
  for (let round = 1; round <= times; round++) {
    const errors = random.pick(["EIO", "EIO", "ENOSPC"] as const); // a sync that fails is one however it says so
    const { wrong, tookMs } = await poisonOnce(faults, faults.agents[0]!, `poison-${round}`, errors);
    violations.push(
      ...wrong.map((what) => ({ invariant: "bar" as const, subject: `round ${round} (${errors})`, what })),
    );
    backMs.push(tookMs);
  }
  return {
    name: "poison",
    about: "The agent's next sync of its journal fails (strace) while a step runs.",
    seed,
    command: `npm run faults -- poison --times ${times} --seed ${seed}`,
    ...{ startedAt, tookMs: performance.now() - began, tables: [], violations },
    notes: ["Back means: another agent process is connected and takes work."],
    figures: {
      "failed syncs": times,
      "agents ended with exit code 74": faults.ownEnds.filter((end) => end.code === stateFailedExit).length,
      "back, p50 ms": Math.round(percentile(backMs, 0.5)),
      "back, max ms": Math.round(percentile(backMs, 1)),
    },
  };
}

async function poisonOnce(
  faults: FaultStack,
  agent: ExtraAgent,
  name: string,
  error: string,
): Promise<{ wrong: string[]; tookMs: number }> {
  const file = (what: string) => join(faults.stack.folder, "evidence", `${name}.${what}`);
  const [ledger, gate] = [file("ledger"), file("gate")];
  const script = `echo "start $$" >> ${ledger}\nseq 1 2000\nwhile [ ! -e ${gate} ]; do sleep 0.05; done\necho "end $$" >> ${ledger}\nexit 7`;
  const running = await startSteps(faults, name, agent.name, { work: script });
  await waitFor("the step to run", () => countLines(ledger, "start") > 0);
  const ends = faults.ownEnds.length;
  const { pid } = agent;
  const strace = await failSyncs(pid, error);
  const began = performance.now();
  const next = await startSteps(faults, `${name}-next`, agent.name, { work: `echo "start" >> ${file("next")}` });
  await waitFor("the agent to end itself", () => faults.ownEnds.length > ends);
  strace.kill("SIGKILL");
  const wrong: string[] = [];
  const end = faults.ownEnds.at(-1)!;
  if (end.code !== stateFailedExit) wrong.push(`the agent ended with ${end.code}:\n${end.lastWords}`);
  const nextEnd = await untilOver(faults, next, 60_000);
  const tookMs = performance.now() - began;
  if (nextEnd.state !== "succeeded") wrong.push(`work that came meanwhile ended as ${nextEnd.state}`);
  if (countLines(file("next"), "start") !== 1) wrong.push("work that came meanwhile was not started once");
  writeFileSync(gate, "");
  await untilOver(faults, running, 30_000);
  const [work] = await triesOf(faults, running);
  if (work?.state !== "failed" || work.exitCode !== 7)
    wrong.push(`the step ended as ${work?.state}, ${work?.exitCode}`);
  if (work?.storedBytes !== 8893 || work.rawBytes !== 8893)
    wrong.push(`${work?.storedBytes} of its 8893 bytes are stored`);
  if (countLines(ledger, "start") !== 1 || countLines(ledger, "end") !== 1) wrong.push("the step was not run once");
  return { wrong, tookMs };
}

/** Every sync of the process fails from now on. Resolves when it is traced. */
async function failSyncs(pid: number, error: string): Promise<{ kill(signal: "SIGKILL"): void }> {
  const inject = `inject=fsync,fdatasync:error=${error}`;
  const strace = spawn("strace", ["-f", "-p", String(pid), "-e", "trace=fsync,fdatasync", "-e", inject], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  strace.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const refused = new Promise<never>((_, reject) => {
    strace.once("error", (cause) => reject(new Error("strace is needed to make a sync fail; install it", { cause })));
    strace.once("exit", () => reject(new Error(`strace could not attach: ${said}`)));
  });
  refused.catch(() => {}); // it ends later too
  await Promise.race([refused, waitFor("strace to attach", () => said.includes("attached"))]);
  return { kill: (signal) => void strace.kill(signal) };
}
