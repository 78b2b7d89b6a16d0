// The two files between the agent and the process of an action, in the try's folder: what is asked, and how it ended.
import type { Made } from "./made-before.ts";

export const requestFile = "action.json";
export const resultFile = "result.json";
export const maxResultBytes = 512 * 1024;

export interface ActionRequest {
  uses: string;
  /** As the schema of the action parsed them. */
  parameters: Record<string, unknown>;
  /** Only say what would change. */
  check: boolean;
  /** In a check: what the steps before would have made by now. */
  madeBefore?: Made[];
  execution: { id: string; number: number; job: string };
  /** Where this host keeps credentials, when it is not the usual place. */
  credentialFolder?: string;
}

export interface ActionResult {
  /** It changed something; in check mode: it would. */
  changed: boolean;
  outputs: Record<string, string>;
  /** One line for people. */
  message: string;
}
