// npm run faults -- disk --where host | database: full disks. Called by main.ts.
import { parseOptions } from "./command-line.ts";
import { runDatabaseDisk } from "./database-disk.ts";
import { runHostDisk } from "./host-disk.ts";
import { finishReport, type Report } from "./report.ts";

const places: Record<string, (options: { seed: string; times: number }) => Promise<Report>> = {
  host: runHostDisk,
  database: runDatabaseDisk,
};

export async function diskCommand(args: string[]): Promise<number> {
  const { seed, count: times = 20, report, others } = parseOptions(args, "times", ["where"]);
  const run = places[others.where ?? "host"];
  if (run === undefined) throw new Error(`--where is one of: ${Object.keys(places).join(", ")}`);
  return finishReport(await run({ seed, times }), report);
}
