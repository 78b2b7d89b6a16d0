// The live data of one execution's page: detail, assignments and the steps of the target in view, kept fresh by the
// event stream and, while that is down, by polling. Created by the page; dies with it.
import { createQuery, keepPreviousData, useQueryClient } from "@tanstack/svelte-query";
import { onDestroy } from "svelte";
import { getExecution, getTimeline, listAssignments, listSteps } from "../api/executions.ts";
import { keys } from "../api/query-keys.ts";
import type { Assignment, LiveEvent, Page } from "../api/types.ts";
import { liveStream } from "../live/live-stream.svelte.ts";
import { useLive } from "../live/use-live.svelte.ts";

const pollMs = 3000;
const flushMs = 250;

export interface ExecutionLiveOptions {
  id: () => string;
  /** Target whose steps are in view; undefined asks for all. */
  stepsTarget: () => string | undefined;
  /** The timeline is read only while somebody looks at it. */
  timelineShown: () => boolean;
  onOutput: (event: Extract<LiveEvent, { kind: "output" }>) => void;
}

export function useExecutionLive(options: ExecutionLiveOptions) {
  const client = useQueryClient();
  const assignmentsKey = () => [...keys.execution(options.id()), "assignments"] as const;
  const stepsKey = () => [...keys.execution(options.id()), "steps"] as const;
  const polling = () => (liveStream.status === "live" ? false : pollMs);

  const detail = createQuery(() => ({
    queryKey: keys.execution(options.id()),
    queryFn: ({ signal }) => getExecution(options.id(), signal),
    refetchInterval: (query) => (query.state.data?.finishedAt ? false : polling()),
  }));
  const assignments = createQuery(() => ({
    queryKey: assignmentsKey(),
    queryFn: ({ signal }) => listAssignments(options.id(), signal),
    refetchInterval: detail.data?.finishedAt ? false : polling(),
  }));
  const steps = createQuery(() => ({
    queryKey: [...stepsKey(), options.stepsTarget() ?? ""],
    queryFn: ({ signal }) => listSteps(options.id(), options.stepsTarget(), signal),
    placeholderData: keepPreviousData,
    refetchInterval: detail.data?.finishedAt ? false : polling(),
  }));

  const timelineKey = () => [...keys.execution(options.id()), "timeline"] as const;
  const timeline = createQuery(() => ({
    queryKey: timelineKey(),
    queryFn: ({ signal }) => getTimeline(options.id(), signal),
    enabled: options.timelineShown(),
    placeholderData: keepPreviousData,
    refetchInterval: polling(),
  }));

  // Events name what changed; they are gathered, because a thousand targets change within a second.
  const changed = new Map<string, (assignment: Assignment) => Assignment>();
  let stepsChanged = false;
  let unknownState = false;
  let timelineGrew = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function patch(id: string, change: (assignment: Assignment) => Assignment) {
    const before = changed.get(id);
    changed.set(id, before ? (assignment) => change(before(assignment)) : change);
    timer ??= setTimeout(flush, flushMs);
  }

  function flush() {
    timer = undefined;
    const patches = new Map(changed);
    changed.clear();
    client.setQueryData<Page<Assignment>>(assignmentsKey(), (old) =>
      old ? { ...old, items: old.items.map((item) => patches.get(item.id)?.(item) ?? item) } : old,
    );
    if (unknownState) void client.invalidateQueries({ queryKey: assignmentsKey() });
    if (stepsChanged) void client.invalidateQueries({ queryKey: stepsKey() });
    if (timelineGrew) void client.invalidateQueries({ queryKey: timelineKey() });
    stepsChanged = unknownState = timelineGrew = false;
  }

  function onEvent(event: LiveEvent) {
    if (event.kind === "output") options.onOutput(event);
    else if (event.kind === "assignment") {
      // Its times and the flag come with the next read; the state is what people watch.
      unknownState = true;
      stepsChanged = true;
      patch(event.assignmentId, (old) => ({ ...old, state: event.state, stateReason: event.stateReason }));
    } else if (event.kind === "step") {
      stepsChanged = true;
      patch(event.assignmentId, (old) => ({ ...old, stepStates: old.stepStates.with(event.position, event.state) }));
    } else if (event.kind === "execution" && event.execution.id === options.id()) {
      void client.invalidateQueries({ queryKey: keys.execution(options.id()), exact: true });
      if (event.execution.finishedAt) timelineGrew = true;
      timer ??= setTimeout(flush, flushMs);
    } else if (event.kind === "timeline") {
      timelineGrew = true;
      timer ??= setTimeout(flush, flushMs);
    } else if (event.kind === "agent") {
      unknownState = true;
      timer ??= setTimeout(flush, flushMs);
    }
  }
  useLive([`executions:${options.id()}`, "agents"], onEvent);
  onDestroy(() => clearTimeout(timer));

  return { detail, assignments, steps, timeline };
}
