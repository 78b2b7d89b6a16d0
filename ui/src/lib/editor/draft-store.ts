// Unsaved text of an editor, kept for this tab (sessionStorage), so that a reload, a crash or a wrong click loses
// nothing. Used by the job editor.

export interface Draft {
  text: string;
  /** Revision of the job that the text was made from; undefined for a new job. */
  revision: number | undefined;
  atMs: number;
}

type Storage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem">;

export class DraftStore {
  readonly #storage: Storage | undefined;
  readonly #key: string;

  constructor(name: string, storage: Storage | undefined) {
    this.#storage = storage;
    this.#key = `oc.draft.${name}`;
  }

  load(): Draft | undefined {
    try {
      const draft = JSON.parse(this.#storage?.getItem(this.#key) ?? "null") as Partial<Draft> | null;
      if (typeof draft?.text !== "string" || typeof draft.atMs !== "number") return undefined;
      return { text: draft.text, revision: draft.revision, atMs: draft.atMs };
    } catch {
      // Blocked or unreadable: as if there were none.
      return undefined;
    }
  }

  /** False when the browser did not take it (storage blocked or full). */
  save(draft: Draft): boolean {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(draft));
      return this.#storage !== undefined;
    } catch {
      return false;
    }
  }

  clear(): void {
    try {
      this.#storage?.removeItem(this.#key);
    } catch {
      // Blocked: then nothing was kept either.
    }
  }
}

/** The tab's storage; reading the property itself throws where storage is blocked. */
export function tabStorage(): Storage | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}
