// Which question about targets is open on an execution's page: declare lost, retry, or use them for a run. One instance a page; the dialogs
// are target-acts.svelte.
import type { Assignment } from "../api/types.ts";

export class TargetActs {
  abandoning = $state.raw<Assignment>();
  retrying = $state.raw<readonly Assignment[]>();
  /** Names of targets to run something on. */
  using = $state.raw<readonly string[]>();

  close(): void {
    this.abandoning = undefined;
    this.retrying = undefined;
    this.using = undefined;
  }
}
