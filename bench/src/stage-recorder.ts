// Loaded into controller and agent by `node --import`: writes when each stage of an execution was passed, as lines
// `<milliseconds of the machine's monotonic clock> <stage>`, when the process ends. Read by stages.ts.
import { subscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { stageChannel } from "@opsconductor/contract/stage-marks";

const folder = process.env.BENCH_STAGES_FOLDER;
const passed: string[] = [];

// The clock is the same in every process, unlike performance.now().
subscribe(stageChannel, (stage) => void passed.push(`${Number(process.hrtime.bigint()) / 1e6} ${stage}`));
process.once("exit", () => {
  if (folder && passed.length > 0) writeFileSync(`${folder}/${process.pid}.stages`, `${passed.join("\n")}\n`);
});
