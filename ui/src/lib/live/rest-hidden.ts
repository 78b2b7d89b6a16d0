// A browser has six connections to a controller over HTTP/1.1, for all its tabs together, and each stream takes one for
// good. So of the hidden tabs one keeps its stream (for what people want to be told), and the others rest until they are
// shown. Called by live-stream.svelte.ts, and loaded after the first page.

interface Restable {
  rest(): void;
  wake(): void;
}

const hiddenLock = "oc.hidden-stream";
/** The first hidden tab gets the lock sooner. */
const lockMs = 250;

export function restHidden(stream: Restable): void {
  let shown = new AbortController();
  const look = () => {
    shown.abort();
    if (document.visibilityState === "visible") return stream.wake();
    shown = new AbortController();
    void wait(stream, shown.signal);
  };
  document.addEventListener("visibilitychange", look);
  // Pages that are kept for the back button keep their connections, too.
  window.addEventListener("pagehide", () => stream.rest());
  window.addEventListener("pageshow", look);
  look();
}

/** Rests until this is the hidden tab that may have a stream, and stays that until it is shown. */
async function wait(stream: Restable, shown: AbortSignal): Promise<void> {
  const timer = setTimeout(() => stream.rest(), lockMs);
  const until = new Promise<void>((resolve) => shown.addEventListener("abort", () => resolve()));
  void until.then(() => clearTimeout(timer));
  const keep = () => {
    clearTimeout(timer);
    stream.wake();
    return until;
  };
  try {
    await navigator.locks?.request(hiddenLock, { signal: shown }, keep);
  } catch {
    // The tab was shown before its turn came.
  }
}
