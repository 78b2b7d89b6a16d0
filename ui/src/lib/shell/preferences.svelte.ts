// What one person likes in this browser: theme, density, zone, shortcuts. theme.js reads the same record before paint.
import { habits, usableLanguage, usableZone } from "../format/habits.svelte.ts";

export type Theme = "system" | "light" | "dark";
export type Density = "compact" | "normal" | "comfortable";
export type TimeStyle = "relative" | "absolute";
/** local, utc, or a name of the IANA database. */
export type Zone = string;
export type TellExecutions = "all" | "failures" | "never";
export type TellSignIns = "all" | "new" | "never";
export type Clock = "language" | "12" | "24";

export interface PreferenceValues {
  theme: Theme;
  density: Density;
  times: TimeStyle;
  zone: Zone;
  shortcuts: boolean;
  navCollapsed: boolean;
  locale: string;
  /** By whose habits dates and numbers are written: standard, browser, or a BCP 47 tag. */
  language: string;
  clock: Clock;
  tellExecutions: TellExecutions;
  tellApprovals: boolean;
  tellSignIns: TellSignIns;
  tellAgents: boolean;
  tellDesktop: boolean;
  /** Id of whom these are: the next person at this browser has their own. */
  owner: string;
}

export const preferenceDefaults: PreferenceValues = {
  theme: "system",
  density: "normal",
  times: "relative",
  zone: "local",
  shortcuts: true,
  navCollapsed: false,
  locale: "en",
  language: "standard",
  clock: "language",
  tellExecutions: "all",
  tellApprovals: true,
  tellSignIns: "new",
  tellAgents: false,
  tellDesktop: false,
  owner: "",
};

const storageKey = "oc.preferences";

function load(): PreferenceValues {
  try {
    return { ...preferenceDefaults, ...JSON.parse(localStorage.getItem(storageKey) ?? "{}") };
  } catch {
    // Storage blocked or unreadable: the defaults are fine.
    return { ...preferenceDefaults };
  }
}

class Preferences {
  #values = $state<PreferenceValues>(load());
  readonly #listeners = new Set<(patch: Partial<PreferenceValues>) => void>();

  get values(): Readonly<PreferenceValues> {
    return this.#values;
  }

  set(patch: Partial<PreferenceValues>): void {
    this.take(patch);
    for (const listener of this.#listeners) listener(patch);
  }

  /** Told what a person sets here. */
  onSet(listener: (patch: Partial<PreferenceValues>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes what was set in another browser. */
  take(patch: Partial<PreferenceValues>): void {
    Object.assign(this.#values, patch);
    try {
      localStorage.setItem(storageKey, JSON.stringify(this.#values));
    } catch {
      // Kept for this tab only.
    }
    this.apply();
  }

  /** Puts the look on the root element; also called when the system's colour scheme changes. */
  apply(): void {
    const root = document.documentElement;
    const { theme, density, navCollapsed, language, clock, zone } = this.#values;
    const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.classList.toggle("dark", dark);
    root.dataset.density = density;
    root.dataset.nav = navCollapsed ? "collapsed" : "open";
    habits.language = usableLanguage(language === "browser" ? navigator.language : language);
    habits.zone = usableZone(zone);
    habits.clock = clock === "language" ? undefined : clock === "12" ? "h12" : "h23";
  }
}

export const preferences = new Preferences();
