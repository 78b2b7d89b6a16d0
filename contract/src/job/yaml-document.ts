// Reads YAML (and JSON, which is YAML) into plain values and remembers where each stood, so that every later error
// has a line and a column. Used by parse-job.ts. Refuses what has no business in a job: several documents, tags,
// cycles, alias bombs, merge keys, anything that would take long to read. Runs in controller, agent and browser.
import { type Document, isScalar, Lexer, LineCounter, parseAllDocuments } from "yaml";
import type { FieldError } from "../errors.ts";
import { type Path, type Place, YamlValues } from "./yaml-values.ts";

export const maxDefinitionBytes = 1024 * 1024;
/** Composing costs about 10 µs a token, on the event loop: 1 MiB of `1,1,1,…` would hold it for seconds. */
const maxTokens = 100_000;
/** Brackets nest by recursion in the parser. */
const maxBrackets = 40;
/** One missing quote makes every later line wrong: the first errors tell all. */
const maxProblems = 5;
const tooDeep = "nested too deeply to be a job";

export interface YamlDocument {
  value: unknown;
  errors: FieldError[];
  /** Line and column (from 1) of the value at `path`, of its key, or of a character inside a scalar's text. */
  locate(path: Path, at?: { key?: boolean; offset?: number }): LinePlace | undefined;
}

export interface LinePlace {
  line: number;
  column: number;
}

export function readYaml(source: string): YamlDocument {
  const first = (message: string): YamlDocument => ({
    value: undefined,
    errors: [{ path: "", message, line: 1, column: 1 }],
    locate: () => undefined,
  });
  const refused = sizeProblem(source) ?? costProblem(source);
  if (refused) return first(refused);
  try {
    return compose(source);
  } catch (error) {
    if (error instanceof RangeError) return first(tooDeep);
    throw error;
  }
}

function sizeProblem(source: string): string | undefined {
  // UTF-8 is never shorter than UTF-16 counted in units: the cheap test first.
  const bytes = source.length > maxDefinitionBytes ? source.length : new TextEncoder().encode(source).length;
  if (bytes <= maxDefinitionBytes) return undefined;
  const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  return `the definition is ${size}; at most 1 MiB is accepted. Put large scripts and files on the host and call them`;
}

/** Counts tokens without building anything: a hundred times cheaper than finding out later. */
function costProblem(source: string): string | undefined {
  let tokens = 0;
  let brackets = 0;
  for (const token of new Lexer().lex(source)) {
    if (token === "[" || token === "{") brackets++;
    else if (token === "]" || token === "}") brackets--;
    if (brackets > maxBrackets) return tooDeep;
    if (++tokens > maxTokens) return "the definition has more values than a job can have";
  }
  return undefined;
}

function compose(source: string): YamlDocument {
  const lines = new LineCounter();
  const at = (offset: number): LinePlace => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const places = new Map<string, Place>();
  const { document, errors } = parseOne(source, lines, at);
  const values = document && errors.length === 0 ? new YamlValues(source, document, places) : undefined;
  const value = values?.read();
  const refusal = values?.refusal;
  if (refusal) errors.push({ path: refusal.path.join("."), message: refusal.message, ...at(refusal.offset) });
  return { value: refusal ? undefined : value, errors, locate: (path, where) => locate(places, at, path, where ?? {}) };
}

/** The nearest mapping that exists stands in for a key that does not. */
function locate(
  places: ReadonlyMap<string, Place>,
  at: (offset: number) => LinePlace,
  path: Path,
  where: { key?: boolean; offset?: number },
): LinePlace | undefined {
  for (let length = path.length; length >= 0; length--) {
    const place = places.get(JSON.stringify(path.slice(0, length)));
    if (!place) continue;
    if (where.offset !== undefined && place.text !== undefined) return at(place.text + where.offset);
    return at(where.key && place.key !== undefined ? place.key : place.value);
  }
  return undefined;
}

function parseOne(source: string, lines: LineCounter, at: (offset: number) => LinePlace) {
  const documents = parseAllDocuments(source, {
    lineCounter: lines,
    prettyErrors: false,
    merge: false,
    version: "1.2",
    logLevel: "silent",
  }) as Document[];
  const [first, second] = documents;
  const refuse = (message: string, offset = 0) => ({
    document: undefined,
    errors: [{ path: "", message, ...at(offset) }] as FieldError[],
  });
  const empty = !first?.contents || (isScalar(first.contents) && first.contents.value === null);
  const problems = [...(first?.errors ?? []), ...(first?.warnings ?? [])].slice(0, maxProblems);
  if (!first || (empty && problems.length === 0)) {
    return refuse("the definition is empty; start with apiVersion, kind and name");
  }
  if (second) {
    const count = `${documents.length} documents separated by ---`;
    return refuse(`a save holds one job, and this text has ${count}; save each on its own`, second.range?.[0]);
  }
  if (first.directives?.yaml.version !== "1.2") return refuse("only YAML 1.2 is read; remove the %YAML line");
  const errors = problems.map(
    (problem): FieldError => ({ path: "", message: explain(problem.code, problem.message), ...at(problem.pos[0]) }),
  );
  return { document: first, errors };
}

/** The parser's own words where they help, ours where an operator would have to look them up. */
function explain(code: string, message: string): string {
  if (code === "TAB_AS_INDENT") return "YAML is indented with spaces; replace this tab by spaces";
  if (code === "DUPLICATE_KEY") return "this key stands twice in the same mapping; keep one";
  if (code === "TAG_RESOLVE_FAILED") return `tags are not used in jobs: ${message}`;
  if (code === "BLOCK_AS_IMPLICIT_KEY") return "a value with a colon and a space in it needs quotes";
  if (/^Implicit (map )?keys need to be/.test(message)) return "a key needs a colon and then its value";
  if (/call stack/i.test(message)) return tooDeep;
  return message.charAt(0).toLowerCase() + message.slice(1);
}
