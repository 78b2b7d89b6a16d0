// What the expressions of a job may name: its inputs, the outputs of its steps, its stages. Read from a text that is being
// typed, so nothing is taken for granted. Called by read-job.ts.
import { actionCatalogue } from "@opsconductor/contract/job/actions/action-catalogue";
import type { ActionSpec } from "@opsconductor/contract/job/actions/action-spec";
import { parseDocument } from "yaml";

export interface NamedValue {
  name: string;
  /** What kind of value it is, for people. */
  detail: string;
  info: string;
}

export interface StageNames {
  /** "" for a job without stages. */
  id: string;
  steps: { id: string; outputs: string[] }[];
  matrix: string[];
}

export interface JobNames {
  inputs: NamedValue[];
  stages: StageNames[];
}

type Mapping = Record<string, unknown>;
const mapping = (value: unknown): Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Undefined when the text is no mapping now: what was known before is better. */
export function jobNames(definition: string): JobNames | undefined {
  const job = readLoosely(definition);
  if (Object.keys(job).length === 0) return undefined;
  const inputs = Object.entries(mapping(job.inputs)).map(([name, spec]) => ({
    name,
    detail: text(mapping(spec).type),
    info: text(mapping(spec).description),
  }));
  const stages = Object.entries(mapping(job.stages)).map(([id, stage]) => stageNames(id, mapping(stage)));
  return { inputs, stages: stages.length > 0 ? stages : [stageNames("", job)] };
}

function readLoosely(definition: string): Mapping {
  try {
    return mapping(parseDocument(definition, { logLevel: "silent" }).toJS());
  } catch {
    return {}; // an alias to nothing, or to too much: the problem list says so
  }
}

function stageNames(id: string, stage: Mapping): StageNames {
  const steps = [stage.steps, stage.onFailure, stage.finally].flatMap((list) => (Array.isArray(list) ? list : []));
  return {
    id,
    matrix: Object.keys(mapping(stage.matrix)),
    steps: steps
      .map(mapping)
      .flatMap((step) => (text(step.id) ? [{ id: text(step.id), outputs: outputsOf(step) }] : [])),
  };
}

/** Declared ones, else what the script is seen to write, else what the action gives out. */
function outputsOf({ outputs, run, uses }: Mapping): string[] {
  if (Array.isArray(outputs)) return outputs.filter((name) => typeof name === "string");
  const catalogue: Readonly<Record<string, ActionSpec>> = actionCatalogue;
  const action = Object.hasOwn(catalogue, text(uses)) ? catalogue[text(uses)] : undefined;
  if (action) return Object.keys(action.outputs ?? {});
  const writes = text(run)
    .split("\n")
    .filter((line) => line.includes("OC_OUTPUT"));
  return [
    ...new Set(writes.flatMap((line) => [...line.matchAll(/(?<![\w$])([A-Za-z]\w*)=/g)].map(([, name]) => name ?? ""))),
  ];
}
