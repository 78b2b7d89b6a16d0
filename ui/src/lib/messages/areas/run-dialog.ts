// Words of the run dialog that it alone shows.
import { formatNumber } from "../../format/number.ts";
import { area } from "./area.ts";

export const runDialog = area({
  tooFewApprovers: "It would wait in vain",
  version: "Version to run",
  newest: (version: number) => `Version ${formatNumber(version)}, the newest`,
  ran: (version: number) => `Version ${formatNumber(version)}, as in that execution`,
});
