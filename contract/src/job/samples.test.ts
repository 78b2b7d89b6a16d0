// The sample jobs are what a stranger runs first: each must be accepted as it is, and its scripts must run with nothing
// but a shell and the core utilities. Package managers are stand-ins that print what the real ones print.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type ExpressionScope, evaluateCondition } from "./expression.ts";
import { checkInputs, inputEnvironment } from "./inputs.ts";
import { parseJob } from "./parse-job.ts";
import { planStage } from "./plan-stage.ts";
import { interpolate } from "./template.ts";

const folder = join(import.meta.dirname, "../../../samples");
const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
const scratch = mkdtempSync(join(tmpdir(), "opsconductor-samples-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const coreutils = ["cat", "date", "df", "du", "head", "mktemp", "nproc", "rm", "sh", "sleep", "sort", "tail", "uname"];
const bin = join(scratch, "bin");
mkdirSync(bin);
for (const tool of coreutils) {
  const real = ["/usr/bin", "/bin"].map((dir) => join(dir, tool)).find((path) => existsSync(path));
  if (real) symlinkSync(real, join(bin, tool));
}

function standIns(programs: Record<string, string>): string {
  const dir = mkdtempSync(join(scratch, "stand-ins-"));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return dir;
}

const read = (file: string) => parseJob(readFileSync(join(folder, file), "utf8"));

interface SampleRun {
  /** `id:exit code`, or `id:skipped`. */
  path: string[];
  output: string;
  outputs: Record<string, string>;
}

/** Runs the steps as an agent would, without retries. */
function runSample(file: string, given: Record<string, unknown>, programs: Record<string, string> = {}): SampleRun {
  const job = read(file).job!;
  const inputs = checkInputs(job.inputs, given).values;
  const target = { id: "t", name: "here" };
  const execution = { id: "e", number: 1, job: job.name };
  const scope: ExpressionScope = { inputs, steps: {}, target, execution, outcome: "success" };
  const PATH = `${standIns(programs)}:${bin}`;
  let output = "";
  const path = planStage(job)!.steps.map((step) => {
    const entered = step.phase !== "onFailure" || scope.outcome === "failure";
    if (!entered || !evaluateCondition(step.condition, step.names, scope)) {
      scope.steps[step.id] = { state: "skipped", outputs: {} };
      return `${step.id}:skipped`;
    }
    const [script, written] = [join(scratch, "script"), join(scratch, "outputs")];
    writeFileSync(script, step.run.kind === "script" ? step.run.text : "exit 99");
    writeFileSync(written, "");
    const own = Object.entries(step.env).map(([key, value]) => [key, interpolate(value, step.names, scope)]);
    const oc = { OC_OUTPUT: written, OC_TARGET_NAME: "here" };
    const env = { PATH, ...Object.fromEntries(own), ...inputEnvironment(inputs), ...oc };
    const result = spawnSync(join(bin, "sh"), [script], { env, encoding: "utf8" });
    output += result.stdout + result.stderr;
    const lines = readFileSync(written, "utf8").split("\n").filter(Boolean);
    const state = result.status === 0 ? "succeeded" : "failed";
    scope.steps[step.id] = { state, outputs: Object.fromEntries(lines.map((line) => line.split("=", 2))) };
    if (state === "failed" && !step.continueOnError) scope.outcome = "failure";
    return `${step.id}:${result.status}`;
  });
  return { path, output, outputs: Object.assign({}, ...Object.values(scope.steps).map((step) => step.outputs)) };
}

test.each(files)("%s is accepted, described and marked as a sample", (file) => {
  const { job, errors } = read(file);
  expect(errors).toEqual([]);
  expect(job!.name).toBe(file.replace(".yaml", ""));
  expect(job!.description).not.toBe("");
  expect(job!.labels).toMatchObject({ sample: "true" });
});

test.skipIf(process.platform !== "linux")("the host report runs here from its first to its last step", () => {
  const { path, output } = runSample("host-report.yaml", {});
  expect(path).toEqual(["system:0", "load:0", "memory:0", "disks:0", "network:0"]);
  expect(output).toContain("Kernel");
  expect(output).not.toMatch(/not found|bad|error/i);
});

test("the disk check fails when a disk is fuller than the threshold, and says what takes the space", () => {
  const programs = {
    df: "echo head; echo '/dev/sda1 2048 1024 1024 95% /'; echo 'tmpfs 9 9 0 100% /run'; echo 'tank/a 9 1 8 10% /my data'",
    du: "echo '2048 /var/log'; echo '1024 /usr'",
  };
  const full = runSample("disk-check.yaml", { threshold: 90 }, programs);
  expect(full.path).toEqual(["check:1", "largest:0"]);
  expect(full.outputs).toEqual({ worst: "95", mount: "/" });
  expect(full.output).toMatch(/✓ {2}10%.*\/my data/);
  expect(full.output).toMatch(/2 {2}\/var\/log/);
  expect(runSample("disk-check.yaml", { threshold: 95 }, programs).path).toEqual(["check:0", "largest:skipped"]);
});

test("the failing sample fails, skips, and cleans up", () => {
  const { path } = runSample("how-a-failure-looks.yaml", { exit_code: 7 }, { sleep: "" });
  expect(path).toEqual(["prepare:0", "connect:7", "deploy:skipped", "report:0", "clean-up:0"]);
});

const apt = `cat <<'END'
NOTE: This is only a simulation!
Inst libssl3 [3.0.19-1] (3.0.22-1 Debian-Security:12/oldstable-security [amd64])
Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.11/oldstable [amd64]) []
Inst linux-image-6.1.0-40 (6.1.192-2 Debian-Security:12/oldstable-security [amd64])
Conf bash (5.2.15-2+b13 Debian:12.11/oldstable [amd64])
END`;
const dnf = `case "$*" in
*--security*) echo 'openssl.x86_64   1:3.2.2-6.el9   baseos' ;;
*) cat <<'END'

bash.x86_64              5.1.8-9.el9        baseos
openssl.x86_64           1:3.2.2-6.el9      baseos
Obsoleting Packages
grub2-tools.x86_64       1:2.06-80.el9      baseos
END
exit 100 ;;
esac`;
const zypper = `cat <<'END'
S | Repository | Name    | Current Version | Available Version | Arch
--+------------+---------+-----------------+-------------------+-------
v | Main       | openssl | 3.1.4-150600.5  | 3.1.4-150600.7    | x86_64
v | Main       | vim     | 9.1.0-1         | 9.1.1-1           | x86_64
END`;
const apk = `cat <<'END'
Installed:                                Available:
busybox-1.36.1-r2                       < 1.36.1-r5
END`;

test.each([
  ["dnf", dnf, { waiting: "2", security: "1" }, /openssl.x86_64 .*1:3.2.2-6.el9 {2}security/],
  ["yum", dnf, { waiting: "2", security: "1" }, /bash.x86_64/],
  ["zypper", zypper, { waiting: "2", security: "0" }, /vim +9.1.0-1 → 9.1.1-1/],
  ["apk", apk, { waiting: "1", security: "0" }, /busybox-1.36.1-r2 .*→ 1.36.1-r5/],
  ["apk", "echo Installed:  Available:", { waiting: "0", security: "0" }, /no updates are waiting/],
])("updates of %s are counted and listed", (name, script, counts, line) => {
  const { path, output, outputs } = runSample("updates-waiting.yaml", {}, { [name]: script });
  expect(path).toEqual(["manager:0", "refresh:skipped", "list:0"]);
  expect(outputs).toEqual({ name, ...counts });
  expect(output).toMatch(line);
});

test("updates of apt are counted, security and new packages too, and a host without lists is told", () => {
  // The date of the lists is the real host's: where it has none the sample must say so instead of "no updates".
  const { path, output, outputs } = runSample("updates-waiting.yaml", { refresh: true }, { "apt-get": apt });
  const lists = "/var/lib/apt/lists";
  const known = existsSync(lists) && readdirSync(lists).some((file) => /_(In)?Release$/.test(file));
  expect(path).toEqual(["manager:0", "refresh:0", known ? "list:0" : "list:1"]);
  if (known) expect(outputs).toEqual({ name: "apt-get", waiting: "3", security: "2" });
  expect(output).toMatch(known ? /linux-image-6.1.0-40 +- → 6.1.192-2 {2}security/ : /this host has no package lists/);
});

test("a package manager that fails, or none at all, is a failure", () => {
  const broken = runSample("updates-waiting.yaml", {}, { zypper: "echo 'database is locked'; exit 7" });
  expect(broken.path).toEqual(["manager:0", "refresh:skipped", "list:1"]);
  expect(broken.output).toContain("database is locked");
  expect(runSample("updates-waiting.yaml", {}).path).toEqual(["manager:2", "refresh:skipped", "list:skipped"]);
});
