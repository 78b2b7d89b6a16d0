// Requests of the limits: of everything, and of one agent.
import type { agentLimitRequest, LimitSettings, Limits } from "@opsconductor/contract/api/limits";
import type { z } from "zod";
import { request } from "./request.ts";
import type { Agent } from "./types.ts";

export const getLimits = (signal?: AbortSignal) => request<Limits>("GET", "limits", { signal });
export const setLimits = (body: LimitSettings & { revision: number }) => request<Limits>("PUT", "limits", { body });
export const limitAgent = (id: string, body: z.infer<typeof agentLimitRequest>) =>
  request<Agent>("PUT", `agents/${encodeURIComponent(id)}/limit`, { body });
