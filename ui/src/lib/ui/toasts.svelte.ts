// The messages in the corner and how long they stay; toast.ts adds, toaster.svelte shows.
import type { Component } from "svelte";

export interface ToastAct {
  label: string;
  run: () => void;
}

/** Of a notice; the rest look as their kind does. */
export interface ToastLook {
  icon: Component<{ size?: number; class?: string }>;
  tone: "ok" | "bad" | "idle";
}

export interface Toast {
  id: number;
  kind: "success" | "error" | "notice";
  title: string;
  text: string | undefined;
  act: ToastAct | undefined;
  look: ToastLook | undefined;
}

const shownMs = { success: 5000, error: 12_000, notice: 12_000 };
/** What offers an act stays long enough to be read and reached by keyboard. */
const actShownMs = 12_000;
const maxShown = 4;

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #nextId = 1;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  add(kind: Toast["kind"], title: string, text?: string, act?: ToastAct, look?: ToastLook): void {
    const toast = { id: this.#nextId, kind, title, text, act, look };
    this.#nextId += 1;
    this.list = [...this.list, toast].slice(-maxShown);
    this.#start(toast);
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** While the pointer or the focus is on the messages they stay. */
  hold(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  release(): void {
    for (const toast of this.list) this.#start(toast);
  }

  #start(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.id));
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), toast.act ? actShownMs : shownMs[toast.kind]),
    );
  }
}

export const toasts = new Toasts();
