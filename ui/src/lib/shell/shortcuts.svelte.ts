// Single-key shortcuts and two-key chords ("g a"). Pages register theirs while mounted; the sheet and /me list them.
import { ChordMatcher } from "./chord-matcher.ts";
import { preferences } from "./preferences.svelte.ts";

export interface Shortcut {
  /** "g a", "?", "/", "Shift+A"; "Ctrl+K" style keys work also while typing. */
  keys: string;
  label: string;
  group: string;
  /** Absent for keys that an element handles itself (Enter on a row): they are only listed. */
  run?: () => void;
}

class Shortcuts {
  list = $state.raw<readonly Shortcut[]>([]);
  readonly #matcher = new ChordMatcher();

  register(shortcuts: readonly Shortcut[]): () => void {
    this.list = [...this.list, ...shortcuts];
    return () => {
      this.list = this.list.filter((shortcut) => !shortcuts.includes(shortcut));
    };
  }

  /** The window's keydown. Silent in inputs, under modal dialogs and when switched off (WCAG 2.1.4). */
  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const modified = event.ctrlKey || event.metaKey;
    if (event.altKey) return;
    if (!modified && (!preferences.values.shortcuts || isTyping(event.target) || isUnderDialog())) return;
    const name = modified ? `Ctrl+${event.key.toUpperCase()}` : event.key;
    const found = this.#matcher.press(
      name,
      event.timeStamp,
      this.list.filter((shortcut) => shortcut.run).map((shortcut) => shortcut.keys),
    );
    if (found === undefined) return;
    event.preventDefault();
    // The newest registration wins, so that a page may narrow what the shell offers.
    this.list.findLast((shortcut) => shortcut.keys === found && shortcut.run)?.run?.();
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

function isUnderDialog(): boolean {
  return document.querySelector("[role=dialog][data-state=open], [role=alertdialog][data-state=open]") !== null;
}

export const shortcuts = new Shortcuts();
