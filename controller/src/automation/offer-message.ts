// What an offer carries, from rows to the message of the seam. Definitions and services are read once for a batch;
// definitions are immutable and stay in memory. Called by dispatch, by create-execution.ts and at an agent's hello.
import { canonicalJson } from "@opsconductor/contract/job/inputs";
import type { Query } from "../context.ts";
import type { OfferMessage } from "../fleet/agent-link.ts";
import {
  type OfferedService,
  type OfferRow,
  selectDefinition,
  selectOffers,
  selectServices,
} from "./dispatch-queries.ts";
import { Lru } from "./lru.ts";

export interface Definition {
  definition: Uint8Array;
  mediaType: string;
}

export type DefinitionCache = Lru<string, Definition>;
export const createDefinitionCache = (): DefinitionCache => new Lru(256);
const definitionKey = (jobId: string, version: number): string => `${jobId} ${version}`;

export interface AddressedOffer {
  agentId: string;
  message: OfferMessage;
}

/** Offers of assignments that are offered now; an id in another state gives none. */
export async function loadOffers(q: Query, cache: DefinitionCache, ids: readonly string[]): Promise<AddressedOffer[]> {
  if (ids.length === 0) return [];
  const rows = await selectOffers(q, ids);
  const services = await servicesByTarget(
    q,
    rows.map((r) => r.targetId),
  );
  const offers: AddressedOffer[] = [];
  for (const row of rows) {
    const definition = await loadDefinition(q, cache, row.jobId, row.jobVersion);
    offers.push({ agentId: row.agentId, message: offerMessage(row, definition, services.get(row.targetId) ?? []) });
  }
  return offers;
}

export async function servicesByTarget(q: Query, targetIds: readonly string[]): Promise<Map<string, OfferedService[]>> {
  const rows = targetIds.length === 0 ? [] : await selectServices(q, targetIds);
  return new Map(rows.map((r) => [r.targetId, r.services]));
}

export async function loadDefinition(
  q: Query,
  cache: DefinitionCache,
  jobId: string,
  version: number,
): Promise<Definition> {
  const key = definitionKey(jobId, version);
  const cached = cache.get(key);
  if (cached) return cached;
  const found = await selectDefinition(q, jobId, version);
  if (!found) throw new Error(`version ${version} of job ${jobId} is not in the database`);
  cache.set(key, found);
  return found;
}

export function offerMessage(row: OfferRow, definition: Definition, services: OfferedService[]): OfferMessage {
  const secrets = services.flatMap((s) => (s.credential ? [s.credential.secret] : []));
  return {
    assignmentId: row.id,
    attempt: row.attempt,
    fence: row.fence,
    executionId: row.executionId,
    executionNumber: row.executionNumber,
    stageId: row.stageId,
    definition: definition.definition,
    definitionSha256: row.definitionSha256,
    definitionMediaType: definition.mediaType,
    inputsJson: Buffer.from(canonicalJson(row.inputs)),
    needsOutputsJson: Buffer.from(canonicalJson(row.needsOutputs ?? {})),
    target: {
      id: row.targetId,
      name: row.targetName,
      servicesJson: Buffer.from(canonicalJson(services)),
      secretNames: [...new Set(secrets)],
    },
    startBeforeMs: row.startBefore?.getTime() ?? 0,
    releaseThroughStep: Number(row.releaseThroughStep),
    check: row.checkMode,
  };
}
