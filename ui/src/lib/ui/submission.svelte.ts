// One form's way to the server, for every form and dialog that sends something: on its way or not, and what came back.
import { ApiError } from "../api/api-error.ts";

export class Submission {
  /** Somebody asked to send: from now on the fields say what they miss. */
  tried = $state(false);
  busy = $state(false);
  /** Why the last attempt failed; undefined while another one is on its way. */
  error = $state.raw<unknown>();

  /** Runs `work` unless an earlier one is still on its way; what it throws is kept in `error`. */
  async send(work: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = undefined;
    try {
      await work();
    } catch (cause) {
      this.error = cause;
    } finally {
      this.busy = false;
    }
  }

  /** What the server said about one field, such as `scope.group`. */
  fieldMessage(path: string): string | undefined {
    return this.error instanceof ApiError ? this.error.fieldMessage(path) : undefined;
  }
}
