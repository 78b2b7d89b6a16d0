// npm run lab -- --hosts PROGRAM [--report FOLDER] [--only PART]: everyday operations and their accidents on three real hosts with the
// packaged agent, each with an asserted outcome. Called by scripts/lab.mjs; ends with 1 when an outcome was another.
import { parseArgs } from "node:util";
import { finishReport } from "../faults/report.ts";
import { Lab } from "./lab.ts";
import { proveLimits } from "./limits.ts";
import { provePatching } from "./patching.ts";
import { proveRestarts } from "./restarts.ts";
import { proveTroubles } from "./troubles.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { hosts: text, report: text, only: text } });
const parts = { patching: provePatching, troubles: proveTroubles, restarts: proveRestarts, limits: proveLimits };
if (values.hosts === undefined || (values.only !== undefined && !Object.hasOwn(parts, values.only))) {
  const names = Object.keys(parts).join(" | ");
  process.stderr.write(`Usage: npm run lab -- --hosts PROGRAM [--report FOLDER] [--only ${names}]\n`);
  process.exit(2);
}
const startedAt = new Date();
const began = performance.now();
const lab = await Lab.begin(values.hosts, values.only === "limits" ? 1 : 3);
try {
  const installing = performance.now();
  for (const host of lab.hosts.names) await lab.install(host);
  lab.figures["hosts installed and online, s"] = Math.round((performance.now() - installing) / 1000);
  for (const [name, prove] of Object.entries(parts)) {
    await lab.signIn();
    if (values.only === undefined || values.only === name) await prove(lab);
  }
} catch (error) {
  process.stderr.write(`${lab.stack.log().split("\n").slice(-30).join("\n")}\n`);
  throw error;
} finally {
  await lab.end();
}
process.exitCode = finishReport(
  {
    name: "lab",
    about:
      "Everyday operations and their accidents on Debian hosts with systemd, installed with the pasted line: patches with apt, agreed to by a second person, failing hosts, restarts that go well and wrong, a cut network, a pulled plug, limits of steps.",
    seed: "none",
    command: "npm run lab -- --hosts PROGRAM",
    ...{ startedAt, tookMs: performance.now() - began, violations: lab.violations },
    checked:
      "what the API tells, and on each host what apt, its first process and a file that only the steps write say",
    figures: { "outcomes asserted": lab.rows.length, ...lab.figures },
    tables: [{ title: "Outcomes", columns: ["proof", "what", "seen", ""], rows: lab.rows }],
    notes: [
      ...lab.notes,
      "PROGRAM is told `up N`, `exec I COMMAND…`, `cut I`, `heal I`, `kill I`, `boot I`, `gateway` and `down`, for hosts lab1 to labN: e2e/lab/virtual-machines.sh makes them with kernels of their own, and any machines that it can do this to will serve.",
      "The packages come from a source that the command itself serves, in three versions; a file on a host makes a version fail there, or ask for a restart.",
    ],
  },
  values.report,
);
