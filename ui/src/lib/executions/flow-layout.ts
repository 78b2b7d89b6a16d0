// Where the stages of a workflow stand: a column for each step away from the start, in the order of the definition.
// Pure; used by flow-panel.svelte.
import type { ExecutionDetail } from "../api/types.ts";

type Stage = ExecutionDetail["stages"][number];

export interface FlowNode {
  stage: Stage;
  column: number;
  row: number;
  /** Indexes of the nodes it needs. */
  needs: number[];
  /** Parts of a called workflow or a matrix, however deep. */
  parts: Stage[];
}

export interface FlowLayout {
  nodes: FlowNode[];
  columns: number;
  rows: number;
}

/** The stages below `parent`, or the outermost ones. */
export function flowLayout(stages: readonly Stage[], parent: string | null = null): FlowLayout {
  const own = stages.filter((stage) => stage.parent === parent);
  const index = new Map(own.map((stage, i) => [stage.id, i]));
  const columns = new Map<string, number>();
  const columnOf = (stage: Stage): number => {
    const known = columns.get(stage.id);
    if (known !== undefined) return known;
    columns.set(stage.id, 0); // a cycle is refused when the job is saved; never loop over a broken one
    const before = stage.needs.flatMap((need) => own[index.get(need) ?? -1] ?? []);
    const column = before.length === 0 ? 0 : 1 + Math.max(...before.map(columnOf));
    columns.set(stage.id, column);
    return column;
  };
  const filled = new Map<number, number>();
  const nodes = own.map((stage): FlowNode => {
    const column = columnOf(stage);
    const row = filled.get(column) ?? 0;
    filled.set(column, row + 1);
    const needs = stage.needs.flatMap((need) => index.get(need) ?? []);
    return { stage, column, row, needs, parts: partsOf(stages, stage.id) };
  });
  return { nodes, columns: Math.max(0, ...filled.keys()) + 1, rows: Math.max(1, ...filled.values()) };
}

/** The stage to look at first: the first that runs, else that failed, else that waits. -1: all are over and well. */
export function leadingNode({ nodes }: FlowLayout): number {
  const first = (...states: string[]) => nodes.findIndex(({ stage }) => states.includes(stage.state));
  return [first("running"), first("failed", "timed_out"), first("queued", "pending")].find((at) => at >= 0) ?? -1;
}

/** The stage that an arrow key leads to, or undefined: up and down in its column, else the nearest of the next one. */
export function nodeTowards({ nodes }: FlowLayout, from: number, key: string): number | undefined {
  const here = nodes[from];
  if (!here) return undefined;
  if (key === "Home") return 0;
  if (key === "End") return nodes.length - 1;
  const sideways = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
  const upright = key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : 0;
  if (sideways === 0 && upright === 0) return undefined;
  const row = here.row + upright;
  const found = nodes
    .map((node, at) => ({ at, away: Math.abs(node.row - row), column: node.column }))
    .filter(({ column, away }) => column === here.column + sideways && (upright === 0 || away === 0));
  return found.toSorted((a, b) => a.away - b.away)[0]?.at;
}

export function partsOf(stages: readonly Stage[], id: string): Stage[] {
  return stages.filter((stage) => stage.parent === id).flatMap((part) => [part, ...partsOf(stages, part.id)]);
}

/** Ids of the stages whose targets belong to `id`: its own, or those of its parts. */
export function stageIdsOf(stages: readonly Stage[], id: string): Set<string> {
  return new Set([id, ...partsOf(stages, id).map((part) => part.id)]);
}

/** Targets that came to an end of their work, and all, of a stage with its parts; what was never begun is not done. */
export function targetsOf({ stage, parts }: Pick<FlowNode, "stage" | "parts">): { done: number; total: number } {
  let done = 0;
  let total = 0;
  for (const { counts } of [stage, ...parts])
    for (const [state, count] of Object.entries(counts)) {
      total += count;
      if (!["queued", "offered", "accepted", "running", "skipped"].includes(state)) done += count;
    }
  return { done, total };
}
