// A grant as a sentence. Pure.
import type { Grant } from "../api/types.ts";
import { access } from "../messages/areas/access.ts";
import { writeLocked } from "./locked-inputs.ts";

export function grantWords({ role, scope, ownExecutions, lockedInputs }: Grant): string {
  const words = access.grants;
  const locked = writeLocked(lockedInputs);
  const only = locked.length > 0 ? words.lockedSuffix(locked.join(", ")) : "";
  return `${words.sentence[scope.kind](role, scope.name ?? "")}${ownExecutions ? words.ownSuffix : ""}${only}`;
}
