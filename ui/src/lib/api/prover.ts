// Asks whoever sits here for a fresh proof when the controller wants one, and lets the request be repeated. The dialog
// registers itself (lib/account/step-up.svelte); the API client asks.

type Ask = (methods: readonly string[]) => Promise<boolean>;

let ask: Ask | undefined;
let asking: Promise<boolean> | undefined;

export function useProver(dialog: Ask): () => void {
  ask = dialog;
  return () => {
    if (ask === dialog) ask = undefined;
  };
}

/** True once it was given; several requests that wait at once share one question. */
export function prove(methods: readonly string[]): Promise<boolean> {
  if (!ask) return Promise.resolve(false);
  asking ??= ask(methods).finally(() => {
    asking = undefined;
  });
  return asking;
}
