// The live data of one execution's page: detail, assignments and the steps of the target in view, kept fresh by the
// event stream and, while that is down, by polling. Created by the page; dies with it.
import { createQuery, keepPreviousData, useQueryClient } from "@tanstack/svelte-query";
import { onDestroy } from "svelte";
import { getExecution, getTimeline, listAssignments, listSteps } from "../api/executions.ts";
import { keys } from "../api/query-keys.ts";
import type { LiveEvent } from "../api/types.ts";
import { liveStream } from "../live/live-stream.svelte.ts";
import { useLive } from "../live/use-live.svelte.ts";
import { ExecutionPatches } from "./execution-patches.ts";

const pollMs = 3000;

export interface ExecutionLiveOptions {
  id: () => string;
  /** Target whose steps are in view; undefined asks for all. */
  stepsTarget: () => string | undefined;
  /** The timeline is read only while somebody looks at it. */
  timelineShown: () => boolean;
  onOutput: (event: Extract<LiveEvent, { kind: "output" }>) => void;
}

export function useExecutionLive(options: ExecutionLiveOptions) {
  const patches = new ExecutionPatches(useQueryClient(), options.id);
  const polling = () => (liveStream.status === "live" ? false : pollMs);

  const detail = createQuery(() => ({
    queryKey: keys.execution(options.id()),
    queryFn: ({ signal }) => getExecution(options.id(), signal),
    refetchInterval: (query) => (query.state.data?.finishedAt ? false : polling()),
  }));
  const assignments = createQuery(() => ({
    queryKey: patches.assignmentsKey,
    queryFn: ({ signal }) => listAssignments(options.id(), signal),
    refetchInterval: detail.data?.finishedAt ? false : polling(),
  }));
  const steps = createQuery(() => ({
    queryKey: [...patches.stepsKey, options.stepsTarget() ?? ""],
    queryFn: ({ signal }) => listSteps(options.id(), options.stepsTarget(), signal),
    placeholderData: keepPreviousData,
    refetchInterval: detail.data?.finishedAt ? false : polling(),
  }));

  const timeline = createQuery(() => ({
    queryKey: patches.timelineKey,
    queryFn: ({ signal }) => getTimeline(options.id(), signal),
    enabled: options.timelineShown(),
    placeholderData: keepPreviousData,
    refetchInterval: polling(),
  }));

  useLive([`executions:${options.id()}`, "agents"], (event) => {
    patches.add(event);
    if (event.kind === "output") options.onOutput(event);
  });
  onDestroy(() => patches.stop());

  return { detail, assignments, steps, timeline };
}
