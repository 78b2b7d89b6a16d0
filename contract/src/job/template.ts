// `${{ expression }}` inside argv items and environment values. The result is text that nothing reads again: a value
// that itself contains `${{ }}` stays as it is. Pure.
import {
  checkExpression,
  ExpressionError,
  type ExpressionNames,
  type ExpressionProblem,
  type ExpressionScope,
  evaluateText,
  evaluateValue,
  type InputValue,
} from "./expression.ts";

type Part = { text: string } | { expression: string; offset: number };

/** The opening that is refused wherever templates are not legal. */
export const templateOpening = "${{";

/** Splits a template; an opening without its end is reported with its offset. */
function parts(template: string): { parts: Part[]; unclosed: number | undefined } {
  const found: Part[] = [];
  let position = 0;
  for (;;) {
    const open = template.indexOf(templateOpening, position);
    if (open < 0) break;
    const close = endOf(template, open + 3);
    if (close < 0) return { parts: found, unclosed: open };
    if (open > position) found.push({ text: template.slice(position, open) });
    found.push({ expression: template.slice(open + 3, close), offset: open + 3 });
    position = close + 2;
  }
  if (position < template.length) found.push({ text: template.slice(position) });
  return { parts: found, unclosed: undefined };
}

/** The `}}` that ends the expression: not one inside a quoted text of it. */
function endOf(template: string, from: number): number {
  let quote: string | undefined;
  for (let i = from; i < template.length; i++) {
    const char = template[i]!;
    if (quote) {
      if (char === "\\") i++;
      else if (char === quote) quote = undefined;
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "}" && template[i + 1] === "}") return i;
  }
  return -1;
}

export function checkTemplate(template: string, names: ExpressionNames): ExpressionProblem | undefined {
  const split = parts(template);
  if (split.unclosed !== undefined) return { message: `this \${{ has no }}`, offset: split.unclosed };
  for (const part of split.parts) {
    if ("text" in part) continue;
    if (part.expression.trim() === "") return { message: `this \${{ }} is empty`, offset: part.offset };
    const lead = part.expression.length - part.expression.trimStart().length;
    const problem = checkExpression(part.expression.trim(), names, "text");
    if (problem) return { ...problem, offset: problem.offset + part.offset + lead };
  }
  return undefined;
}

/** Throws ExpressionError when an expression cannot be evaluated. */
export function interpolate(template: string, names: ExpressionNames, scope: ExpressionScope): string {
  const split = parts(template);
  if (split.unclosed !== undefined) throw new ExpressionError(`\`${template}\`: this \${{ has no }}`);
  return split.parts
    .map((part) => ("text" in part ? part.text : evaluateText(part.expression.trim(), names, scope)))
    .join("");
}

/** A text that is one whole `${{ … }}`: its expression. */
function onlyExpression(template: string): string | undefined {
  const split = template.startsWith(templateOpening) ? parts(template) : undefined;
  const [only] = split?.unclosed === undefined ? (split?.parts ?? []) : [];
  return split?.parts.length === 1 && only && "expression" in only ? only.expression.trim() : undefined;
}

/** In a parameter of an action one whole `${{ … }}` stands for its value, a list too; among other text for its text. */
export function checkValueTemplate(template: string, names: ExpressionNames): ExpressionProblem | undefined {
  const only = onlyExpression(template);
  if (!only) return checkTemplate(template, names);
  const problem = checkExpression(only, names, "value");
  return problem && { ...problem, offset: problem.offset + Math.max(0, template.indexOf(only, 3)) };
}

/** Throws ExpressionError when an expression cannot be evaluated. */
export function interpolateValue(template: string, names: ExpressionNames, scope: ExpressionScope): InputValue {
  const only = onlyExpression(template);
  return only ? evaluateValue(only, names, scope) : interpolate(template, names, scope);
}

/** `if` may be written bare or as one whole `${{ … }}`; this is the bare text. */
export function bareCondition(condition: string): string {
  const trimmed = condition.trim();
  return onlyExpression(trimmed) ?? trimmed;
}

/** The names of `${{ matrix.<name> }}` in a text; undefined when there is any other `${{ }}`. */
export function matrixNamesIn(template: string): string[] | undefined {
  const split = parts(template);
  if (split.unclosed !== undefined) return undefined;
  const expressions = split.parts.flatMap((part) => ("expression" in part ? [part.expression.trim()] : []));
  const names = expressions.map((text) => /^matrix\.([A-Za-z]\w*)$/.exec(text)?.[1]);
  return names.every((name) => name !== undefined) ? (names as string[]) : undefined;
}
