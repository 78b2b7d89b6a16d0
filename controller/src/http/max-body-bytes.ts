// How large the body of a request may be: given to limitBodies by app.ts.
import { maxTransferBytes } from "@opsconductor/contract/job/transfer-limits";
import { routeName } from "./route-name.ts";
import type { Http } from "./router.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** JSON makes of a definition three times as much at most; one that is somewhat too large is told as a mistake of the job. */
const ofDefinitions = 4 * mebibyte;
const larger: Readonly<Record<string, number>> = {
  "POST /api/v1/jobs": ofDefinitions,
  "PUT /api/v1/jobs/{idOrName}": ofDefinitions,
  "POST /api/v1/jobs/validate": ofDefinitions,
  "POST /api/v1/jobs/check": ofDefinitions,
  // What does not shrink when packed, and the names of the files.
  "POST /api/v1/job-imports": maxTransferBytes + mebibyte,
};

/** Who is not known yet has no reason to send more than a name and a password. */
export function maxBodyBytes(c: Http): number {
  if (c.get("actor").kind === "anonymous") return 64 * kibibyte;
  return larger[routeName(c) ?? ""] ?? mebibyte;
}
