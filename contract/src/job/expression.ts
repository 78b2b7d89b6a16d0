// Conditions of steps: CEL, the same evaluator in controller, agent and browser. A fixed set of variables and
// functions, checked when a job is saved. Total: no loops but over an input's items, no I/O, bounded size and cost.
//
//   inputs.<name>                     typed as the job declares them; absent optional ones: has(inputs.name)
//   steps.<id>.state, .outputs.<name> of steps before this one
//   stages.<id>.state, .outputs.<name>, .targets["<target>"].<name> of the stages this one needs
//   matrix.<name>                     the item that the stage is repeated for
//   target.name, target.id            execution.id, execution.number, execution.job
//   success(), failure(), always()    how the steps before this one went
import {
  type ASTNode,
  TypeError as CelTypeError,
  Environment,
  EvaluationError,
  ParseError,
} from "@marcbachmann/cel-js";
import type { StageState, StepState } from "../states.ts";
import { suggest } from "./suggest.ts";

export type InputValue = string | number | boolean | string[];
export type ExpressionType = "string" | "int" | "double" | "bool" | "list<string>";

/** What an expression may name. Outputs undefined: the step does not declare them, any name may be read. */
export interface ExpressionNames {
  inputs: Record<string, ExpressionType>;
  steps: Record<string, { outputs: readonly string[] | undefined }>;
  /** Stages before this one, in a workflow. */
  stages?: readonly string[];
  matrix?: readonly string[];
  /** Expressions of a stage are evaluated before there is a target. */
  place?: "stage" | undefined;
}

/** What is known of a stage that is over. */
export interface StageOutcome {
  state: StageState;
  /** What its steps gave out; of several targets only what all of them agree in. */
  outputs: Record<string, string>;
  /** By the target's name. */
  targets: Record<string, Record<string, string>>;
}

export interface ExpressionScope {
  inputs: Record<string, InputValue>;
  steps: Record<string, { state: StepState; outputs: Record<string, string> }>;
  stages?: Record<string, StageOutcome>;
  matrix?: Record<string, string>;
  target: { id: string; name: string };
  execution: { id: string; number: number; job: string };
  /** How the steps before this one went; a step with continueOnError that failed counts as success. */
  outcome: "success" | "failure" | "cancelled";
}

export interface ExpressionProblem {
  message: string;
  /** Characters into the expression. */
  offset: number;
  suggestion?: string;
}

/** The expression could not be evaluated (a missing output, a division by zero): the step fails with this message. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

/** A little more than the schema allows: plan-stage.ts adds `success() && (…)`. */
const maxLength = 2048;
const maxConstructs = 500;
const macros = new Set(["all", "exists", "exists_one", "filter"]);
/**
 * Allowed by name, because the library has more than total evaluation can afford: `matches` is a backtracking regular
 * expression, `cel.bind` and `map` grow values exponentially.
 */
const functions = new Set([
  ...["success", "failure", "always", "has", "size", "string", "int", "double", "bool"],
  ...["contains", "startsWith", "endsWith", "lowerAscii", "upperAscii", "trim", "join"],
  ...macros,
]);

/** What people write who know the states, or another CI system. */
const outcomeWords: Readonly<Record<string, string>> = { failed: "failure", succeeded: "success", finished: "always" };

/** What an expression is for: a condition, a piece of text, or a parameter of an action, which may be a list too. */
export type ExpressionWant = "bool" | "text" | "value";

/** The first problem of an expression, or undefined. `want` is the type its value must have. */
export function checkExpression(
  text: string,
  names: ExpressionNames,
  want: ExpressionWant,
): ExpressionProblem | undefined {
  if (text.length > maxLength) return { message: `an expression has at most ${maxLength} characters`, offset: 0 };
  try {
    const parsed = environment(names, "success").parse(text);
    const refused = refusedConstruct(parsed.ast, text, names);
    if (refused) return refused;
    easeHas(parsed.ast);
    const result = parsed.check();
    if (!result.valid) return problemOf(result.error!, text, names);
    return wrongType(result.type ?? "dyn", want);
  } catch (error) {
    if (error instanceof ParseError || error instanceof EvaluationError || error instanceof CelTypeError) {
      return problemOf(error, text, names);
    }
    throw error;
  }
}

/** True when the step shall run. Throws ExpressionError. */
export function evaluateCondition(text: string, names: ExpressionNames, scope: ExpressionScope): boolean {
  // Nearly every step has one of these; the full way costs half a millisecond.
  if (text === "success()") return scope.outcome === "success";
  if (text === "always()") return true;
  const value = evaluate(text, names, scope);
  if (typeof value === "boolean") return value;
  throw new ExpressionError(`the condition \`${text}\` is neither true nor false`);
}

/** The value as text for an argument or an environment variable. Throws ExpressionError. */
export function evaluateText(text: string, names: ExpressionNames, scope: ExpressionScope): string {
  const value = evaluate(text, names, scope);
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw new ExpressionError(`\`${text}\` is a list or a mapping; join it to text with .join(",")`);
}

/** The value as it is, for a parameter of an action. Throws ExpressionError. */
export function evaluateValue(text: string, names: ExpressionNames, scope: ExpressionScope): InputValue {
  const value = evaluate(text, names, scope, "value");
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new ExpressionError(`\`${text}\` is neither text, a number, true or false, nor a list of texts`);
}

/** Whether the author decided about earlier failures; if not, `success()` is implied (see plan-stage.ts). */
export const namesOutcome = (text: string): boolean => outcomesNamed(text).length > 0;

/** Which of success(), failure() and always() it asks; nothing of a text that is no expression. */
export function outcomesNamed(text: string): string[] {
  try {
    const found = new Set<string>();
    walk(environment({ inputs: {}, steps: {} }, "success").parse(text).ast, (node) => {
      if (node.op === "call" && ["success", "failure", "always"].includes(node.args[0])) found.add(node.args[0]);
    });
    return [...found];
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

function evaluate(
  text: string,
  names: ExpressionNames,
  scope: ExpressionScope,
  want: ExpressionWant = "text",
): unknown {
  const problem = checkExpression(text, names, want);
  if (problem) throw new ExpressionError(`\`${text}\`: ${problem.message}`);
  try {
    const parsed = environment(names, scope.outcome).parse(text);
    easeHas(parsed.ast);
    return parsed({
      inputs: celInputs(names, scope.inputs),
      steps: scope.steps,
      ...(names.stages ? { stages: scope.stages ?? {} } : {}),
      ...(names.matrix ? { matrix: scope.matrix ?? {} } : {}),
      ...(names.place === "stage" ? {} : { target: scope.target }),
      execution: { ...scope.execution, number: BigInt(scope.execution.number) },
    });
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof CelTypeError) {
      throw new ExpressionError(`\`${text}\`: ${explain(error)}`, { cause: error });
    }
    throw error;
  }
}

function celInputs(names: ExpressionNames, values: Record<string, InputValue>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, names.inputs[key] === "int" ? BigInt(value as number) : value]),
  );
}

function environment(names: ExpressionNames, outcome: ExpressionScope["outcome"]): Environment {
  const limits = {
    maxAstNodes: maxConstructs,
    maxDepth: 50,
    maxListElements: 100,
    maxMapEntries: 0,
    maxCallArguments: 4,
  };
  const env = new Environment({ limits });
  const step = { state: "string", outputs: "map<string, string>" };
  env.registerVariable({ name: "inputs", schema: names.inputs });
  env.registerVariable({
    name: "steps",
    schema: Object.fromEntries(Object.keys(names.steps).map((id) => [id, step])),
  });
  const stage = { state: "string", outputs: "map<string, string>", targets: "map<string, map<string, string>>" };
  if (names.stages)
    env.registerVariable({ name: "stages", schema: Object.fromEntries(names.stages.map((id) => [id, stage])) });
  if (names.matrix)
    env.registerVariable({ name: "matrix", schema: Object.fromEntries(names.matrix.map((id) => [id, "string"])) });
  if (names.place !== "stage") env.registerVariable({ name: "target", schema: { id: "string", name: "string" } });
  env.registerVariable({ name: "execution", schema: { id: "string", number: "int", job: "string" } });
  env.registerFunction("success(): bool", () => outcome === "success");
  env.registerFunction("failure(): bool", () => outcome === "failure");
  env.registerFunction("always(): bool", () => true);
  return env;
}

function refusedConstruct(root: ASTNode, text: string, names: ExpressionNames): ExpressionProblem | undefined {
  let problem: ExpressionProblem | undefined;
  walk(root, (node, loops) => {
    problem ??= refusedCall(node, loops) ?? undeclaredOutput(node, names) ?? unknownInHas(node, text, names);
  });
  return problem;
}

const argumentOfHas = (node: ASTNode): ASTNode | undefined =>
  node.op === "call" && node.args[0] === "has" ? node.args[1][0] : undefined;

/** The library does not look inside has(): a mistyped name would be false for ever. */
function unknownInHas(node: ASTNode, text: string, names: ExpressionNames): ExpressionProblem | undefined {
  const asked = argumentOfHas(node);
  if (!asked) return undefined;
  const known = {
    inputs: Object.keys(names.inputs),
    steps: Object.keys(names.steps),
    stages: names.stages ?? [],
    matrix: names.matrix ?? [],
  };
  for (const root of ["inputs", "steps", "stages", "matrix"] as const) {
    const word = fieldsOf(asked, root)?.[0];
    if (word === undefined || known[root].includes(word)) continue;
    const offset = Math.max(text.indexOf(word, asked.start), asked.start);
    if (root === "steps" || root === "stages")
      return unknownPart(root === "steps" ? "step" : "stage", word, text, offset, known[root]);
    return unknownName(root === "inputs" ? "input" : "list in the matrix", word, offset, known[root]);
  }
  return undefined;
}

/**
 * The library's has() takes names with dots alone, and ids with a dash and targets are written in brackets. A part in
 * brackets that is not there is no mistake: whether web-1 gave out something is what has() is asked for.
 */
function easeHas(root: ASTNode): void {
  walk(root, (node) => {
    const asked = argumentOfHas(node);
    for (let part = asked; part?.op === "." || part?.op === "[]"; part = part.args[0]) {
      const index: unknown = part.op === "[]" && part.args[1].op === "value" ? part.args[1].args : undefined;
      if (typeof index === "string")
        Object.assign(part, { op: part === asked ? "." : ".?", args: [part.args[0], index] });
    }
  });
}

function refusedCall(node: ASTNode, loops: number): ExpressionProblem | undefined {
  if (node.op !== "call" && node.op !== "rcall") return undefined;
  const name = node.args[0];
  if (!functions.has(name)) {
    const suggestion = outcomeWords[name] ?? suggest(name, functions);
    const hint = suggestion ? `; did you mean ${suggestion}?` : "";
    const message = `${name}() is not available in expressions${hint}`;
    return suggestion ? { message, offset: node.pos, suggestion } : { message, offset: node.pos };
  }
  const nested = node.op === "rcall" && macros.has(name) && loops > 0;
  return nested ? { message: `${name}() inside another loop is not available`, offset: node.pos } : undefined;
}

/** `steps.check.outputs.usd` where step `check` declares its outputs. */
function undeclaredOutput(node: ASTNode, names: ExpressionNames): ExpressionProblem | undefined {
  const [id, property, output] = fieldsOf(node, "steps") ?? [];
  if (id === undefined || property !== "outputs" || output === undefined) return undefined;
  const declared = Object.hasOwn(names.steps, id) ? names.steps[id]!.outputs : undefined;
  if (!declared || declared.includes(output)) return undefined;
  const suggestion = suggest(output, declared);
  const hint = suggestion ? `; did you mean ${suggestion}?` : ` (${declared.join(", ") || "none"})`;
  const message = `step ${id} does not declare the output ${output}${hint}`;
  return suggestion ? { message, offset: node.pos, suggestion } : { message, offset: node.pos };
}

/** `a.b["c"]` as ["b", "c"] when it starts at the variable `root`. */
function fieldsOf(node: ASTNode, root: string): string[] | undefined {
  if (node.op === "id") return node.args === root ? [] : undefined;
  if (node.op !== "." && node.op !== "[]") return undefined;
  const before = fieldsOf(node.args[0], root);
  const field = node.op === "." ? node.args[1] : node.args[1].op === "value" ? node.args[1].args : undefined;
  return before && typeof field === "string" ? [...before, field] : undefined;
}

function walk(node: ASTNode, visit: (node: ASTNode, loops: number) => void, loops = 0): void {
  visit(node, loops);
  const inside = node.op === "rcall" && macros.has(node.args[0]) ? loops + 1 : loops;
  const children = Array.isArray(node.args) ? (node.args as unknown[]).flat(2) : [node.args];
  const [receiver] = node.op === "rcall" ? [node.args[1]] : [];
  for (const child of children) if (isNode(child)) walk(child, visit, child === receiver ? loops : inside);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

function wrongType(type: string, want: ExpressionWant): ExpressionProblem | undefined {
  if (type === "dyn" || type === "bool") return undefined;
  if (want === "value" && type.startsWith("list")) return undefined;
  if (want === "bool") return { message: `a condition must be true or false, and this is ${celType(type)}`, offset: 0 };
  if (["string", "int", "double"].includes(type)) return undefined;
  return { message: `this is ${celType(type)}; join it to text with .join(",")`, offset: 0 };
}

function celType(type: string): string {
  if (type === "string") return "text";
  if (type === "int" || type === "double") return "a number";
  return type.startsWith("list") ? "a list" : "a mapping";
}

type CelError = ParseError | EvaluationError | CelTypeError;

function problemOf(error: CelError, text: string, names: ExpressionNames): ExpressionProblem {
  const offset = error.range?.start ?? 0;
  const word = text.slice(offset, error.range?.end ?? offset);
  const before = text.slice(0, offset);
  if (error.code === "no_such_key" && /\bsteps\s*\.\s*$/.test(before))
    return unknownPart("step", word, text, offset, Object.keys(names.steps));
  if (error.code === "no_such_key" && /\bstages\s*\.\s*$/.test(before))
    return unknownPart("stage", word, text, offset, names.stages ?? []);
  if (error.code === "no_such_key" && /\bmatrix\s*\.\s*$/.test(before))
    return unknownName("list in the matrix", word, offset, names.matrix ?? []);
  if (error.code === "no_such_key" && /\binputs\s*\.\s*$/.test(before)) {
    return unknownName("input", word, offset, Object.keys(names.inputs));
  }
  if (error.code === "unknown_variable") {
    return unknownName("variable", word, offset, variablesOf(names));
  }
  return { message: explain(error), offset };
}

const variablesOf = (names: ExpressionNames): string[] => [
  ...["inputs", ...(names.place === "stage" ? [] : ["steps", "target"]), "execution"],
  ...(names.stages ? ["stages"] : []),
  ...(names.matrix ? ["matrix"] : []),
];

function unknownPart(
  what: "step" | "stage",
  word: string,
  text: string,
  offset: number,
  known: readonly string[],
): ExpressionProblem {
  // `steps.my-step` reads as a subtraction to CEL: such ids are written in brackets.
  const dashed = known.find((id) => id.includes("-") && text.startsWith(id, offset));
  const brackets = `${what}s["${dashed}"]`;
  if (dashed) return { message: `an id with a dash is written ${brackets}`, offset, suggestion: brackets };
  return unknownName(what === "step" ? "step before this one" : "stage that this one needs", word, offset, known);
}

function unknownName(what: string, word: string, offset: number, known: readonly string[]): ExpressionProblem {
  const suggestion = suggest(word, known);
  const none = what.startsWith("stage") ? "; it reads those that it needs alone: write them in needs" : "";
  const list = known.length > 0 ? `; there is ${known.slice(0, 10).join(", ")}` : none;
  const hint = suggestion ? `; did you mean ${suggestion}?` : list;
  const message = `there is no ${what} called ${word}${hint}`;
  return suggestion ? { message, offset, suggestion } : { message, offset };
}

function explain(error: CelError): string {
  const summary = error.summary;
  if (error.code === "no_such_key")
    return `there is no ${summary.replace(/^No such key: /, "")} here; test with has(…) first`;
  if (error.code === "no_such_overload") {
    return `${summary.replace(/^no such overload: /, "")} does not fit together: convert with string(…), int(…) or double(…)`;
  }
  if (/^unexpected character: =$/i.test(summary)) return "= is not used here: equality is written ==";
  if (/^unexpected token: EOF$/i.test(summary)) return "something is missing at the end";
  return summary.charAt(0).toLowerCase() + summary.slice(1);
}
