// Which question about targets is open on an execution's page: declare lost, or retry. One instance a page; the dialogs
// are target-acts.svelte.
import type { Assignment } from "../api/types.ts";

export class TargetActs {
  abandoning = $state.raw<Assignment>();
  retrying = $state.raw<readonly Assignment[]>();

  close(): void {
    this.abandoning = undefined;
    this.retrying = undefined;
  }
}
