// Which tab of this browser tells of something: the first that takes it. Called by notifier.svelte.ts.
const storageKey = "oc.told";
const kept = 200;

function take(key: string): boolean {
  try {
    const told: unknown = JSON.parse(localStorage.getItem(storageKey) ?? "[]");
    const list = Array.isArray(told) ? told : [];
    if (list.includes(key)) return false;
    localStorage.setItem(storageKey, JSON.stringify([...list, key].slice(-kept)));
  } catch {
    // Storage is blocked: then each tab tells.
  }
  return true;
}

/** True for one tab only. Without a lock (no secure context) the tabs' different patience is what keeps them apart. */
export async function takeNotice(key: string): Promise<boolean> {
  return navigator.locks ? await navigator.locks.request(storageKey, () => take(key)) : take(key);
}
