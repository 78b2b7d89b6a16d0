// npm test: everything, on a fresh clone. Stops at the first suite that fails; `-- --keep-going` runs them all.
// Names choose suites: npm test -- db wire
import { bootstrap, fail } from "./bootstrap.mjs";
import { buildConsole } from "./console.mjs";
import { checks, needConsole, runCheck, runSuite, suites } from "./suites.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const keepGoing = process.argv.includes("--keep-going");
const chosen = process.argv.slice(2).filter((argument) => argument !== "--keep-going");
const known = [...Object.keys(checks), ...Object.keys(suites)];
for (const name of chosen) if (!known.includes(name)) fail(`There is no suite ${name}. Suites: ${known.join(", ")}`);
const wanted = chosen.length > 0 ? known.filter((name) => chosen.includes(name)) : known;

const node = bootstrap();
ensureSystemPackages(wanted);
if (wanted.some((name) => needConsole.includes(name))) buildConsole(node);

const total = { passed: 0, failed: 0, skipped: 0 };
const left = [...wanted];
while (left.length > 0 && (keepGoing || total.failed === 0)) {
  const name = left.shift();
  const result = name in checks ? await runCheck(node, name) : await runSuite(node, name);
  for (const key of Object.keys(result)) total[key] += result[key];
}
if (left.length > 0) process.stdout.write(`\nNot run after the failure: ${left.join(", ")}\n`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
