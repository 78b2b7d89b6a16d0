// `uses: sleep`: a while in which nothing happens.
import { setTimeout as pause } from "node:timers/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import type { Action } from "./action.ts";

export const sleep: Action<ActionParameters<"sleep">> = async (parameters, { check, signal }) => {
  if (!check) await pause(parseDuration(parameters.for)!, undefined, { signal });
  return { changes: [], message: check ? `would wait ${parameters.for}` : `waited ${parameters.for}` };
};
