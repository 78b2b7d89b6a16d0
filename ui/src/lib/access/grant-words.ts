// A grant as a sentence. Pure.
import type { Grant } from "../api/types.ts";
import { access } from "../messages/areas/access.ts";

export function grantWords({ role, scope, ownExecutions }: Grant): string {
  const words = access.grants;
  return `${words.sentence[scope.kind](role, scope.name ?? "")}${ownExecutions ? words.ownSuffix : ""}`;
}
