// Plural forms for the messages files, by the CLDR rules of the locale. Pure.

const rules = new Map<string, Intl.PluralRules>();
const numbers = new Map<string, Intl.NumberFormat>();

/** A whole number with the locale's separators: 1,284. */
export function groupedNumber(value: number, locale = "en"): string {
  const format = numbers.get(locale) ?? new Intl.NumberFormat(locale);
  numbers.set(locale, format);
  return format.format(value);
}

/** `plural(2, { one: "agent", other: "agents" })` → "2 agents"; `#` in a form marks where the number goes instead. */
export function plural(
  count: number,
  forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string },
  locale = "en",
): string {
  const rule = rules.get(locale) ?? new Intl.PluralRules(locale);
  rules.set(locale, rule);
  const form = forms[rule.select(count)] ?? forms.other;
  const number = groupedNumber(count, locale);
  return form.includes("#") ? form.replace("#", number) : `${number} ${form}`;
}
