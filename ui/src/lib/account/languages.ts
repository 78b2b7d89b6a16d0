// The languages by whose habits a person may have dates and numbers written, each in its own name.
import { usableLanguage } from "../format/habits.svelte.ts";

/** Widely spoken ones, and their countries where these write differently. */
const offered =
  `bg cs da de de-AT de-CH el en-AU en-CA en-GB en-IE en-IN en-US en-ZA es es-MX et fi fr fr-CA fr-CH hi hr hu
  id it ja ko lt lv nb nl pl pt pt-BR ro sk sl sv th tr uk vi zh-Hans zh-Hant`.split(/\s+/);

/** "Deutsch (Österreich)"; the tag itself where the browser has no name. */
export function languageName(tag: string): string {
  const name = new Intl.DisplayNames([tag], { type: "language", languageDisplay: "standard" }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}

/** What this browser can write, in the order of the names; `also` is there too, wherever it was chosen. */
export function languageOptions(also: string | undefined): { value: string; label: string }[] {
  const tags = new Set(offered.filter((tag) => usableLanguage(tag)));
  if (also) tags.add(also);
  return [...tags]
    .map((value) => ({ value, label: languageName(value) }))
    .sort((a, b) => a.label.localeCompare(b.label, "en"));
}
