// The controller's routes → docs/openapi.json. Called by main.ts.
import { describeApi } from "../../controller/src/http/describe-api.ts";

export async function generateOpenApi(): Promise<Map<string, string>> {
  return new Map([["docs/openapi.json", `${JSON.stringify(describeApi(), null, 2)}\n`]]);
}
