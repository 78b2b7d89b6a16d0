// Plural forms for the messages files, by the CLDR rules of the locale.
import { formatNumber } from "../format/number.ts";

const rules = new Map<string, Intl.PluralRules>();

/** `plural(2, { one: "agent", other: "agents" })` → "2 agents"; `#` in a form marks where the number goes instead. */
export function plural(
  count: number,
  forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string },
  locale = "en",
): string {
  const rule = rules.get(locale) ?? new Intl.PluralRules(locale);
  rules.set(locale, rule);
  const form = forms[rule.select(count)] ?? forms.other;
  const number = formatNumber(count);
  return form.includes("#") ? form.replace("#", number) : `${number} ${form}`;
}
