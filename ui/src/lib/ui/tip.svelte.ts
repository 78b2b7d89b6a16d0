// Tooltips: any element asks for one with `{@attach tip(() => text)}`; one host in the layout shows it. Dismissible
// with Escape, hoverable, and shown on keyboard focus too (WCAG 1.4.13).
import type { Attachment } from "svelte/attachments";

const openDelayMs = 350;
const closeDelayMs = 120;

class Tip {
  text = $state("");
  anchor = $state.raw<Element | undefined>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(anchor: Element, text: string, delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.anchor = anchor;
      this.text = text;
    }, delayMs);
  }

  hide(delayMs = 0): void {
    clearTimeout(this.#timer);
    if (delayMs === 0) this.anchor = undefined;
    else this.#timer = setTimeout(() => (this.anchor = undefined), delayMs);
  }

  /** The pointer went from the anchor onto the tip: keep it. */
  keep(): void {
    clearTimeout(this.#timer);
  }
}

export const tips = new Tip();

export function tip(text: () => string | undefined): Attachment {
  return (element) => {
    const show = (delayMs: number) => {
      const now = text();
      if (now) tips.show(element, now, delayMs);
    };
    const enter = (event: Event) => {
      if ((event as PointerEvent).pointerType !== "touch") show(openDelayMs);
    };
    const focus = () => {
      if (element.matches(":focus-visible")) show(0);
    };
    const leave = () => tips.hide(closeDelayMs);
    const gone = () => tips.hide();
    const listeners = { pointerenter: enter, pointerleave: leave, focus, blur: gone, pointerdown: gone };
    for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener);
      if (tips.anchor === element) tips.hide();
    };
  };
}
