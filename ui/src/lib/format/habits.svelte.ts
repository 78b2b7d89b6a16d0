// By which language's habits dates, numbers and order are written, and on which clock. Preferences set it; everything in
// format/ reads it, so what is on the screen follows at once.

class Habits {
  /** BCP 47; undefined: as this console writes by itself (2026-11-23 02:14; 1,284). */
  language = $state.raw<string | undefined>(undefined);
  /** Undefined: as the language has it. */
  clock = $state.raw<"h12" | "h23" | undefined>(undefined);
  /** Of the IANA database; undefined: the browser's. */
  zone = $state.raw<string | undefined>(undefined);
}
export const habits = new Habits();

/** `tag` when this browser can write by it: a stored preference may come from a newer one. */
export function usableLanguage(tag: string): string | undefined {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag)[0];
  } catch {
    return undefined;
  }
}

/** The time zone that a preference names; undefined: the browser's own, also where this browser does not know the name. */
export function usableZone(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** Latin digits whatever the language: names of hosts, output and addresses have them too. */
const numberingSystem = "latn";

const numbers = new Map<string, Intl.NumberFormat>();

/** Numbers with up to `maximumFractionDigits` decimals. */
export function decimal(maximumFractionDigits = 0, useGrouping = true): Intl.NumberFormat {
  const language = habits.language ?? "en";
  const key = `${language} ${maximumFractionDigits} ${useGrouping}`;
  const known = numbers.get(key);
  if (known) return known;
  const format = new Intl.NumberFormat(language, { maximumFractionDigits, useGrouping, numberingSystem });
  numbers.set(key, format);
  return format;
}

const two = "2-digit";
const dates = new Map<string, Intl.DateTimeFormat>();

/** With the date, and with seconds; `plain` is what the console's own way is put together from. */
export function dateFormat(date: boolean, second: boolean, zone: string | undefined, plain = false) {
  const language = plain ? "en" : (habits.language ?? "en");
  const hourCycle = habits.clock ?? (plain ? "h23" : undefined);
  const key = `${language} ${hourCycle} ${date} ${second} ${zone} ${plain}`;
  const known = dates.get(key);
  if (known) return known;
  const format = new Intl.DateTimeFormat(language, {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem,
    ...(date && { year: "numeric", month: two, day: two }),
    hour: two,
    minute: two,
    ...(second && { second: two }),
    ...(plain && { timeZoneName: "shortOffset" }),
    hourCycle,
  });
  dates.set(key, format);
  return format;
}

const orders = new Map<string, Intl.Collator>();

/** Names in the order of the language, web-9 before web-10. */
export function nameOrder(): Intl.Collator {
  const language = habits.language ?? "en";
  const known = orders.get(language);
  if (known) return known;
  const collator = new Intl.Collator(language, { numeric: true, sensitivity: "base" });
  orders.set(language, collator);
  return collator;
}
