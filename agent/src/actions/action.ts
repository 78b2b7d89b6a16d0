// What an action is to the program that runs it (run-action.ts): it looks, says what it would change, and does it when it
// is asked to. One file an action in this folder, each with one function of this type.
import type { Made } from "./made-before.ts";
import type { Programs } from "./support/run-program.ts";

export interface ActionContext {
  programs: Programs;
  /** Aborted when the step is cancelled or out of time; what is half done is to be left in order. */
  signal: AbortSignal;
  /** A line of the step's output. */
  log(line: string): void;
  check: boolean;
  /** In a check: what the steps before would have made by now. */
  madeBefore: readonly Made[];
  /** Where the host keeps credentials, a file each. */
  credentialFolder: string;
  /** From now on this value is nowhere in the output or the result. */
  hide(name: string, value: string): void;
  /** The try's folder: private, gone with the try. */
  folder: string;
  execution: { id: string; number: number; job: string };
}

/** What the host looks like now, compared with what is wanted. */
export interface ActionPlan {
  /** In words, one a change; empty: everything is as it should be. */
  changes: string[];
  /** Unified diff of what would be written. */
  diff?: string;
  /** Known without changing anything; `apply` may add to them. */
  outputs?: Record<string, string>;
  /** One line when nothing is to be changed. */
  message?: string;
  /** Called when there are changes and no check was asked for. */
  apply?(): Promise<ActionEnd | undefined>;
  /** Called last, whatever happened: what was made for looking goes. */
  done?(): Promise<void>;
}

export interface ActionEnd {
  outputs?: Record<string, string>;
  message?: string;
  /** It turned out that nothing was changed. */
  changed?: boolean;
}

export type Action<P> = (parameters: P, context: ActionContext) => Promise<ActionPlan>;

/** The step fails with this message; it says what to do. Anything else is shown with its stack in the output. */
export class ActionFailed extends Error {
  override readonly name = "ActionFailed";
  readonly outputs: Record<string, string>;

  constructor(message: string, options: ErrorOptions & { outputs?: Record<string, string> } = {}) {
    super(message, options);
    this.outputs = options.outputs ?? {};
  }
}
