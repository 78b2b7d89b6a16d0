// npm run faults -- journal: the crash tests of the agent's journal and of its other durable files, deeper than `npm test`
// runs them: every system call, more disks after a power failure, more bits. Called by main.ts.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../devstack/devstack.ts";
import { parseOptions } from "./command-line.ts";

/** `--disks` for each moment of a power failure; `--stride`: one byte of so many is damaged, 1 takes an hour. */
export async function journalCommand(args: string[]): Promise<number> {
  const { seed, count: disks = 8, others } = parseOptions(args, "disks", ["stride"]);
  const number = Number(seed);
  const env = {
    ...process.env,
    OC_FAULTS_SEED: String(Number.isInteger(number) ? number : Number.parseInt(seed, 36) % 2 ** 31),
    OC_FAULTS_DISKS: String(disks),
    OC_FAULTS_STRIDE: others.stride ?? "20",
    OC_FAULTS_CALLS: "100000",
  };
  process.stdout.write(`seed ${env.OC_FAULTS_SEED}: ${disks} disks at each moment, every system call\n`);
  const vitest = join(repositoryRoot, "node_modules", "vitest", "vitest.mjs");
  const folders = ["agent/src/journal", "agent/src/link"];
  const options = ["run", "--project", "faults", "--testTimeout", "7200000", ...folders];
  const child = spawn(process.execPath, [vitest, ...options], { cwd: repositoryRoot, env, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
