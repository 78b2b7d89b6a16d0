// Keeps the keys that are typed while what they are meant for is still loading or opening. The palette takes them.

export class TypedAhead {
  #text = "";
  #stop: (() => void) | undefined;

  /** Takes over plain keys until `take` or `cancel`; Escape calls `onEscape` and ends it. */
  start(target: Pick<EventTarget, "addEventListener" | "removeEventListener">, onEscape: () => void): void {
    this.cancel();
    const listener = (event: Event) => this.#keydown(event as KeyboardEvent, onEscape);
    target.addEventListener("keydown", listener, { capture: true });
    this.#stop = () => target.removeEventListener("keydown", listener, { capture: true });
  }

  /** What was typed so far; from here on keys go where they always go. */
  take(): string {
    const text = this.#text;
    this.cancel();
    return text;
  }

  cancel(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#text = "";
  }

  #keydown(event: KeyboardEvent, onEscape: () => void): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      this.cancel();
      onEscape();
    } else if (event.key === "Backspace") this.#text = [...this.#text].slice(0, -1).join("");
    else if ([...event.key].length === 1) this.#text += event.key;
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
