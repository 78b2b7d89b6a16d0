// The time zones of the IANA database in which a person may have times shown. Called by the panel of appearance.

/** Those that this browser knows, by name; `also` is there too, wherever it was chosen. UTC and local have words of their own. */
export function zoneOptions(also: string): { value: string; label: string }[] {
  const names = new Set(Intl.supportedValuesOf("timeZone"));
  names.delete("UTC");
  if (also !== "local" && also !== "utc") names.add(also);
  return [...names].sort().map((value) => ({ value, label: value.replaceAll("_", " ") }));
}
