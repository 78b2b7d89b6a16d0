// The browser's own notifications: whether it allows them, asking (only ever after a click), and showing one.
import type { Notice } from "./notice.ts";

export type DesktopState = "insecure" | "unasked" | "allowed" | "blocked";

function current(): DesktopState {
  if (typeof Notification === "undefined" || !isSecureContext) return "insecure";
  return ({ default: "unasked", granted: "allowed", denied: "blocked" } as const)[Notification.permission];
}

class Desktop {
  state = $state.raw<DesktopState>(current());

  /** A person may have changed it beside the address since. */
  look(): DesktopState {
    this.state = current();
    return this.state;
  }

  async ask(): Promise<DesktopState> {
    await Notification.requestPermission();
    return this.look();
  }

  /** False where the browser only lets service workers do it (Chromium on Android). */
  show({ key, title, text }: Pick<Notice, "key" | "title" | "text">, onopen: () => void): boolean {
    try {
      const shown = new Notification(title, { body: text, tag: key, icon: "/favicon.svg" });
      shown.onclick = () => {
        window.focus();
        onopen();
        shown.close();
      };
      return true;
    } catch (error) {
      console.debug("no notification on the desktop", error);
      return false;
    }
  }
}

export const desktop = new Desktop();
