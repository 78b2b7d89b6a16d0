// Where the keyboard goes on when a dialog has closed. Called by dialog-frame.svelte when it opens; what comes back is called
// when it closes, and does nothing where the focus is somewhere already.

const focusable = "a[href],button:enabled,input:enabled,select:enabled,textarea:enabled,summary,[tabindex='0']";
/** How long an answer that takes the place of what was focused is waited for. */
const watchMs = 5_000;

export function returnFocus(): () => void {
  const way: HTMLElement[] = [];
  for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) way.push(at as HTMLElement);
  return () => setTimeout(() => keep(way));
}

/** What is focused now may be replaced once more: a list that is asked again has another row, or another button in it. */
function keep(way: readonly HTMLElement[]): void {
  const aim = () => document.activeElement === document.body && focusNearest(way);
  aim();
  const replaced = new MutationObserver(aim);
  const end = () => {
    replaced.disconnect();
    clearTimeout(timer);
    for (const act of ["keydown", "pointerdown"]) removeEventListener(act, end, true);
  };
  const timer = setTimeout(end, watchMs);
  for (const act of ["keydown", "pointerdown"]) addEventListener(act, end, true);
  replaced.observe(document.body, { childList: true, subtree: true });
}

/** The element itself, or what can be focused in the smallest part of its surroundings that is still there. */
function focusNearest(way: readonly HTMLElement[]): void {
  // A busy button takes the focus back by itself.
  if (way[0]?.ariaBusy === "true" && way[0].isConnected) return;
  for (const place of way.filter(({ isConnected }) => isConnected)) {
    const to = place.matches(`${focusable},main`) ? place : place.querySelector<HTMLElement>(focusable);
    to?.focus();
    if (to && to === document.activeElement) return;
  }
}
