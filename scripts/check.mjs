// npm run check: what can be told without starting anything: types, lint, generated files, unit tests.
// Names after `--` choose: npm run check -- types lint
import { bootstrap, fail } from "./bootstrap.mjs";
import { checks, needConsole, runCheck, runSuite } from "./suites.mjs";

const known = [...Object.keys(checks), "unit"].filter((name) => !needConsole.includes(name));
const chosen = process.argv.slice(2);
for (const name of chosen) if (!known.includes(name)) fail(`There is no check ${name}. Checks: ${known.join(", ")}`);

const node = bootstrap();
let failed = 0;
for (const name of chosen.length > 0 ? chosen : known) {
  const result = name === "unit" ? await runSuite(node, name) : await runCheck(node, name);
  failed += result.failed;
}
process.exitCode = failed > 0 ? 1 : 0;
