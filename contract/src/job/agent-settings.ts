// What stands in /etc/opsconductor/agent.yaml, where the owner of a host says what steps of any job may do there. Read by
// the agent (agent/src/guard/owner-settings.ts). Pure.
import { parse } from "yaml";
import "../zod-without-eval.ts";
import * as z from "zod";
import { limitsSchema, planLimits, type StepLimits } from "./limits-schema.ts";

const schema = z.strictObject({
  users: z.array(z.string().min(1).max(64)).max(1000).optional(),
  limits: limitsSchema.optional(),
});

export interface AgentSettings {
  /** Names, with `*`; undefined: all. The agent's own user counts too. */
  users: readonly string[] | undefined;
  /** Ceilings: a job gets less where it asks for less. */
  limits: Partial<StepLimits>;
}

export type ReadSettings = { settings: AgentSettings; problem: undefined } | { settings: undefined; problem: string };

export const noSettings: AgentSettings = { users: undefined, limits: {} };

export function readAgentSettings(text: string): ReadSettings {
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    return { settings: undefined, problem: (error as Error).message.split("\n")[0]! };
  }
  const read = schema.safeParse(value);
  if (!read.success) return { settings: undefined, problem: firstIssue(read.error) };
  return { settings: { users: read.data.users, limits: ceilings(read.data.limits) }, problem: undefined };
}

function ceilings(limits: z.infer<typeof schema>["limits"] = {}): AgentSettings["limits"] {
  const { outputBytes, ...rest } = planLimits({ output: "1GiB", ...limits });
  return limits.output === undefined ? rest : { ...rest, outputBytes };
}

function firstIssue({ issues }: z.ZodError): string {
  const [{ path, message }] = issues as [z.core.$ZodIssue];
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
