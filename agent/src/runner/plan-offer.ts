// The steps of an offer, planned from the exact bytes of its definition: what a person signed is what runs. Offers of
// one execution carry the same bytes, so the newest plans are remembered.
import { createHash } from "node:crypto";
import type { ExpressionScope } from "@opsconductor/contract/job/expression";
import { checkInputs } from "@opsconductor/contract/job/inputs";
import { apiVersion, formatVersion } from "@opsconductor/contract/job/job-schema";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import { planStage } from "@opsconductor/contract/job/plan-stage";
import type { OfferRecord } from "../journal/journal.ts";
import type { PlannedJob } from "./attempt.ts";

export interface Refusal {
  code: "unsupported" | "invalid_definition";
  reason: string;
}

export type PlannedOffer = { planned: PlannedJob; refusal: undefined } | { planned: undefined; refusal: Refusal };

const remembered = new Map<string, PlannedOffer>();
const maxRemembered = 32;

export function planOffer(offer: OfferRecord): PlannedOffer {
  const sha256 = createHash("sha256").update(offer.definition).digest();
  if (!sha256.equals(offer.definitionSha256))
    return refuse("invalid_definition", "the definition's bytes do not match their sha256; send the offer again");
  const key = `${sha256.toString("hex")}/${offer.stageId}`;
  const plan = remembered.get(key) ?? planDefinition(offer);
  remembered.delete(key);
  remembered.set(key, plan);
  if (remembered.size > maxRemembered) remembered.delete(remembered.keys().next().value!);
  return plan.planned === undefined ? plan : checkedInputs(offer, plan);
}

function planDefinition(offer: OfferRecord): PlannedOffer {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(offer.definition);
  } catch {
    return refuse("invalid_definition", "the definition is not UTF-8 text");
  }
  const { job, errors } = parseJob(text);
  if (job === undefined) {
    const [first] = errors;
    const place = first!.line === undefined ? first!.path : `line ${first!.line}`;
    const reason = `this agent (format ${formatVersion}, ${apiVersion}) cannot run the job: ${place}: ${first!.message}`;
    // The controller checked the job when it was saved: what we do not understand is newer than we are.
    return refuse("unsupported", reason);
  }
  const plan = planStage(job, offer.stageId);
  if (plan === undefined) return refuse("unsupported", `the job has no stage ${offer.stageId} that this agent can run`);
  return { planned: { job, plan }, refusal: undefined };
}

function checkedInputs(offer: OfferRecord, plan: PlannedOffer & { refusal: undefined }): PlannedOffer {
  let given: unknown;
  try {
    given = JSON.parse(Buffer.from(offer.inputsJson).toString() || "{}");
  } catch {
    return refuse("invalid_definition", "the inputs are not JSON");
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return refuse("invalid_definition", "the inputs are not a JSON object");
  if (readBefore(offer) === undefined)
    return refuse("invalid_definition", "the outputs of earlier stages are not JSON");
  const { errors } = checkInputs(plan.planned.job.inputs, given as Record<string, unknown>);
  return errors.length > 0 ? refuse("invalid_definition", errors[0]!.message) : plan;
}

/** What the stages before gave out, and the item of the matrix; undefined when it cannot be read. */
export function readBefore({ needsOutputsJson }: OfferRecord): Pick<ExpressionScope, "stages" | "matrix"> | undefined {
  try {
    const { stages = {}, matrix = {} } = JSON.parse(Buffer.from(needsOutputsJson).toString() || "{}");
    return { stages, matrix };
  } catch {
    return undefined;
  }
}

function refuse(code: Refusal["code"], reason: string): PlannedOffer {
  return { planned: undefined, refusal: { code, reason } };
}
