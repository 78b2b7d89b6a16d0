// What live events change in the cached data of one execution's page: states and sizes in place, the rest by reading
// again. Gathered, because a thousand targets change within a second. execution-live.svelte.ts is the caller.
import type { QueryClient } from "@tanstack/svelte-query";
import { keys } from "../api/query-keys.ts";
import type { Assignment, LiveEvent, Page, Step } from "../api/types.ts";

const flushMs = 250;

type OutputEvent = Extract<LiveEvent, { kind: "output" }>;

export class ExecutionPatches {
  readonly #client: QueryClient;
  readonly #executionId: () => string;
  readonly #assignments = new Map<string, (assignment: Assignment) => Assignment>();
  /** The newest sizes by assignment and step. */
  readonly #outputs = new Map<string, OutputEvent>();
  /** Agents heard of, and whether they are connected. */
  readonly #agents = new Map<string, boolean>();
  #stepsStale = false;
  #assignmentsStale = false;
  #timelineStale = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: QueryClient, executionId: () => string) {
    this.#client = client;
    this.#executionId = executionId;
  }

  get assignmentsKey() {
    return [...keys.execution(this.#executionId()), "assignments"] as const;
  }

  get stepsKey() {
    return [...keys.execution(this.#executionId()), "steps"] as const;
  }

  get timelineKey() {
    return [...keys.execution(this.#executionId()), "timeline"] as const;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  add(event: LiveEvent): void {
    if (event.kind === "output") this.#outputs.set(`${event.assignmentId}/${event.stepId}`, event);
    else if (event.kind === "assignment") {
      // Its times and the flag come with the next read; the state is what people watch.
      this.#assignmentsStale = this.#stepsStale = true;
      const { assignmentId, state, stateReason } = event;
      this.#patch(assignmentId, (old) => ({ ...old, state, stateReason }));
    } else if (event.kind === "step") {
      this.#stepsStale = true;
      const { assignmentId, position, state } = event;
      this.#patch(assignmentId, (old) => ({ ...old, stepStates: old.stepStates.with(position, state) }));
    } else if (event.kind === "agent") this.#agents.set(event.agent.id, event.agent.state === "online");
    else if (event.kind === "execution" && event.execution.id === this.#executionId()) {
      void this.#client.invalidateQueries({ queryKey: keys.execution(this.#executionId()), exact: true });
      // The end is worth one more look at everything: an event that came before its page had read is gone.
      if (event.execution.finishedAt) this.#timelineStale = this.#assignmentsStale = this.#stepsStale = true;
    } else if (event.kind === "timeline")
      // The unusual happened, a late result for instance: the states need not have moved.
      this.#timelineStale = this.#assignmentsStale = this.#stepsStale = true;
    else return;
    this.#timer ??= setTimeout(() => this.#flush(), flushMs);
  }

  #patch(id: string, change: (assignment: Assignment) => Assignment): void {
    const before = this.#assignments.get(id);
    this.#assignments.set(id, before ? (assignment) => change(before(assignment)) : change);
  }

  #flush(): void {
    this.#timer = undefined;
    const patches = new Map(this.#assignments);
    this.#assignments.clear();
    if (patches.size > 0)
      this.#client.setQueryData<Page<Assignment>>(this.assignmentsKey, (old) =>
        old ? { ...old, items: old.items.map((item) => patches.get(item.id)?.(item) ?? item) } : old,
      );
    if (this.#outputs.size > 0) this.#setSizes();
    this.#compareAgents();
    if (this.#assignmentsStale) void this.#client.invalidateQueries({ queryKey: this.assignmentsKey });
    if (this.#stepsStale) void this.#client.invalidateQueries({ queryKey: this.stepsKey });
    if (this.#timelineStale) void this.#client.invalidateQueries({ queryKey: this.timelineKey });
    this.#stepsStale = this.#assignmentsStale = this.#timelineStale = false;
  }

  /** Every agent of the fleet tells how it is all the time; only those matter that contradict what is shown. */
  #compareAgents(): void {
    const shown = this.#client.getQueryData<Page<Assignment>>(this.assignmentsKey)?.items ?? [];
    this.#assignmentsStale ||= shown.some(
      (one) => one.finishedAt === null && this.#agents.get(one.agentId ?? "") === one.unreachable,
    );
    this.#agents.clear();
  }

  #setSizes(): void {
    const outputs = new Map(this.#outputs);
    this.#outputs.clear();
    this.#client.setQueriesData<Page<Step>>({ queryKey: this.stepsKey }, (old) =>
      old
        ? { ...old, items: old.items.map((step) => withSize(step, outputs.get(`${step.assignmentId}/${step.stepId}`))) }
        : old,
    );
  }
}

/** The step with the stored sizes that the event tells; sizes never shrink, whatever comes first. */
function withSize(step: Step, event: OutputEvent | undefined): Step {
  const at = event ? step.tries.findLastIndex((one) => one.try === event.try) : -1;
  const one = step.tries[at];
  if (!event || !one || one.storedBytes >= event.storedBytes) return step;
  const { storedBytes, storedLines } = event;
  return { ...step, tries: step.tries.with(at, { ...one, storedBytes, storedLines }) };
}
