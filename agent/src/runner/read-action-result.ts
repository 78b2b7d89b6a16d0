// What an action left beside its output: written in one piece by actions/run-action.ts, read once its process is gone.
import { join } from "node:path";
import { type ActionResult, maxResultBytes, resultFile } from "../actions/action-files.ts";
import type { Redactor } from "../output/redactor.ts";
import { readPlain } from "./user-room.ts";

export type ReadResult = { result: ActionResult; problem: undefined } | { result: undefined; problem: string };

export function readActionResult(folder: string, redactor: Redactor | undefined): ReadResult {
  try {
    const bytes = readPlain(join(folder, resultFile), maxResultBytes);
    if (bytes === undefined) return refuse("its output tells more");
    if (bytes.length > maxResultBytes) return refuse(`its result is larger than ${maxResultBytes / 1024} KiB`);
    const clean = redactor === undefined ? bytes : redactor.redact(bytes, true).output;
    const { changed, outputs, message } = JSON.parse(Buffer.from(clean).toString()) as ActionResult;
    return { result: { changed, outputs, message }, problem: undefined };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(problem: string): ReadResult {
  return { result: undefined, problem };
}
