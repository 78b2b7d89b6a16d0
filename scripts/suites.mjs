// The suites that `npm test` and `npm run check` are made of, and how one of them is run and counted.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentFor, root } from "./bootstrap.mjs";
import { chromiumPath } from "./system-packages.mjs";

const bin = (...path) => join(root, "node_modules", ...path);
/** npm puts what only the console needs into its own node_modules or beside everything else, as versions allow. */
const uiBin = (...path) => [join(root, "ui", "node_modules", ...path), bin(...path)].find(existsSync) ?? bin(...path);

/** What needs the built console. */
export const needConsole = ["console-budget", "e2e", "faults", "browser"];

/** Checks pass or fail as one; each counts as one test. In the order in which they are cheap. */
export const checks = {
  types: () => [
    [bin("typescript", "bin", "tsc"), "--noEmit", "-p", "."],
    [bin("typescript", "bin", "tsc"), "--noEmit", "-p", "e2e/browser"], // its functions run in pages: DOM types
  ],
  lint: () => [[bin("@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings", "."]],
  "console-types": () => [
    ["--in=ui", uiBin("@sveltejs", "kit", "svelte-kit.js"), "sync"],
    ["--in=ui", uiBin("svelte-check", "bin", "svelte-check"), "--output", "human", "--fail-on-warnings"],
  ],
  "console-budget": () => [[join(root, "ui", "scripts", "measure.ts")]],
  generated: () => [[join(root, "scripts", "gen.mjs"), "--check"]],
};

/** Suites of tests, each counted test by test. In an order that fails fast. */
export const suites = {
  // As many workers as processors: they wait for PostgreSQL and for processes of theirs most of the time. The suites after
  // them start whole stacks and get vitest's own measure, which leaves a processor to those.
  unit: ["--project", "unit", "--maxWorkers=100%"],
  console: [],
  db: ["--project", "db", "--maxWorkers=100%"],
  wire: ["--project", "wire"],
  e2e: ["--project", "e2e"],
  faults: ["--project", "faults"],
  browser: ["--project", "browser"],
};

/** Runs one check. Its output is shown only when it fails. */
export async function runCheck(node, name) {
  const started = performance.now();
  for (const command of checks[name]()) {
    const inUi = command[0] === "--in=ui";
    const result = await run(node, inUi ? command.slice(1) : command, inUi ? join(root, "ui") : root, "keep");
    if (result.code === 0) continue;
    process.stdout.write(`✗ ${name} (${seconds(started)})\n${result.output}\n`);
    return { passed: 0, failed: 1 };
  }
  process.stdout.write(`✓ ${name} (${seconds(started)})\n`);
  return { passed: 1, failed: 0 };
}

/** Runs one suite of tests with its output live. A suite that ran no test has failed: it was lost somewhere. */
export async function runSuite(node, name, extra = []) {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "opsconductor-test-"));
  const report = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const args = [bin("vitest", "vitest.mjs"), "run", ...suites[name], ...reporters, ...extra];
  // From the console's own folder and not with --root: its Svelte plugin looks for packages from the working directory.
  const result = await run(node, args, name === "console" ? join(root, "ui") : root, "show");
  const counted = countOf(report);
  rmSync(folder, { recursive: true });
  const { passed, skipped } = counted;
  // Errors outside of tests (an unhandled rejection, a file that does not load) fail the run without a failed test.
  const failed = counted.failed || (result.code !== 0 || passed === 0 ? 1 : 0);
  if (passed + counted.failed === 0) process.stdout.write(`No test of suite ${name} ran: that is a failure.\n`);
  process.stdout.write(`${failed ? "✗" : "✓"} ${name}: ${passed} passed, ${failed} failed (${seconds(started)})\n`);
  return { passed, failed, skipped };
}

function countOf(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }; // the runner died before it could report: its exit code says so
  }
}

function run(node, args, cwd, output) {
  return new Promise((resolve) => {
    const stdio = output === "show" ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"];
    const env = { CHROMIUM_PATH: chromiumPath(), ...environmentFor(node) };
    if (!process.stdout.isTTY) Object.assign(env, { NO_COLOR: "1", FORCE_COLOR: undefined });
    const child = spawn(node, args, { cwd, env, stdio });
    let kept = "";
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (kept += text));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output: kept }));
  });
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
