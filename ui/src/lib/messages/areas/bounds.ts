// Words of what a step may use of its host, and as whom it runs.
import { formatNumber } from "../../format/number.ts";
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const bounds = area({
  label: "Runs",
  hint: "What the job says. The owner of a host may give less: then the step's outcome says so.",
  runAs: (user: string) => `as ${user}`,
  timeout: (time: string) => `at most ${time} a try`,
  memory: (size: string) => `${size} of memory`,
  cpu: (percent: number) =>
    percent % 100 === 0
      ? plural(percent / 100, { one: "processor", other: "processors" })
      : `${percent}% of a processor`,
  processes: (most: number) => `${formatNumber(most)} processes`,
  output: (size: string) => `${size} of output`,
});
