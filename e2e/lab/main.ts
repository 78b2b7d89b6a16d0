// npm run lab -- --hosts PROGRAM [--report FOLDER] [--only patching | troubles]: everyday operations and their accidents on three real hosts with the
// packaged agent, each with an asserted outcome. Called by scripts/lab.mjs; ends with 1 when an outcome was another.
import { parseArgs } from "node:util";
import { finishReport } from "../faults/report.ts";
import { Lab } from "./lab.ts";
import { provePatching } from "./patching.ts";
import { proveTroubles } from "./troubles.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { hosts: text, report: text, only: text } });
if (values.hosts === undefined) {
  process.stderr.write("Usage: npm run lab -- --hosts PROGRAM [--report FOLDER] [--only patching | troubles]\n");
  process.exit(2);
}
const startedAt = new Date();
const began = performance.now();
const lab = await Lab.begin(values.hosts);
try {
  const installing = performance.now();
  for (const host of lab.hosts.names) await lab.install(host);
  lab.figures["three hosts installed and online, s"] = Math.round((performance.now() - installing) / 1000);
  if (values.only !== "troubles") await provePatching(lab);
  await lab.signIn();
  if (values.only !== "patching") await proveTroubles(lab);
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
      "Everyday operations and their accidents on three Debian hosts with systemd, installed with the pasted line: patches with apt, agreed to by a second person, failing hosts, restarts, a cut network, a pulled plug.",
    seed: "none",
    command: "npm run lab -- --hosts PROGRAM",
    ...{ startedAt, tookMs: performance.now() - began, violations: lab.violations },
    checked:
      "what the API tells, and on each host what apt, its first process and a file that only the steps write say",
    figures: { "outcomes asserted": lab.rows.length, ...lab.figures },
    tables: [{ title: "Outcomes", columns: ["proof", "what", "seen", ""], rows: lab.rows }],
    notes: [
      "The hosts are containers with systemd as their first process and an address each: the kernel is shared, so a restart is one of the whole container, and pulled power is kill -9 of its first process.",
      "PROGRAM is told `up N`, `exec I COMMAND…`, `cut I`, `heal I`, `kill I`, `boot I`, `gateway` and `down`, for hosts lab1 to labN; any machines that it can do this to will serve.",
      "The packages come from a source that the command itself serves, in three versions; a file on a host makes a version fail there, or ask for a restart.",
    ],
  },
  values.report,
);
