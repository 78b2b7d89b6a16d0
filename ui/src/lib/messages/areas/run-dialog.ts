// Words of the run dialog that it alone shows.
import { area } from "./area.ts";

export const runDialog = area({
  tooFewApprovers: "It would wait in vain",
});
