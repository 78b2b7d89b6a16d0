// `uses: line-in-file`: a line that is in a file once, replaces another, or is gone.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { compilePattern, matchesPattern } from "@opsconductor/contract/job/pattern";
import { type Action, type ActionContext, ActionFailed } from "./action.ts";
import { changedBefore, madeBefore } from "./made-before.ts";
import { planFile, readExisting } from "./support/plan-file.ts";

type Parameters = ActionParameters<"line-in-file">;

export const lineInFile: Action<Parameters> = async (wish, context) => {
  const { path, state, create, diff, mode, owner, group, backup } = wish;
  const bytes = await readExisting(path);
  const waits = waitsFor(path, bytes !== undefined || create, context);
  if (waits !== undefined)
    return { changes: [`${state === "absent" ? "look for" : "have"} the line in ${path}${waits}`] };
  if (bytes === undefined && state === "absent") return { changes: [], message: `${path} is not there` };
  if (bytes === undefined && !create) throw new ActionFailed(`${path} is not there: say create: true to make it`);
  const text = bytes?.toString("utf8") ?? "";
  if (bytes !== undefined && !Buffer.from(text).equals(bytes)) throw new ActionFailed(`${path} is not UTF-8 text`);
  const content = Buffer.from(edit(text, wish));
  return planFile({ path, mode, owner, group, backup, content, showDiff: diff }, context);
};

/** In a check a step before may be what makes the file, or what writes it. */
function waitsFor(path: string, known: boolean, { madeBefore: before }: ActionContext): string | undefined {
  return (known ? changedBefore : madeBefore)(before, { kind: "file", name: path });
}

/** The text with the wish fulfilled; the same text when it is already. */
function edit(text: string, wish: Parameters): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text === "" ? [] : text.split(eol);
  const ended = lines.at(-1) === "";
  if (ended) lines.pop();
  const edited = wish.state === "absent" ? without(lines, wish) : withLine(lines, wish);
  if (edited === lines) return text;
  return edited.length === 0 ? "" : `${edited.join(eol)}${ended || text === "" ? eol : ""}`;
}

function without(lines: string[], { line, match }: Parameters): string[] {
  const goes = match === undefined ? (one: string) => one === line : tester(match);
  const kept = lines.filter((one) => !goes(one));
  return kept.length === lines.length ? lines : kept;
}

function withLine(lines: string[], { line = "", match, after }: Parameters): string[] {
  const matches = match === undefined ? () => false : tester(match);
  // A line that its own pattern does not fit would replace one more at every repetition.
  const done = lines.includes(line) && !matches(line);
  const replaced = done ? -1 : lines.findLastIndex(matches);
  if (replaced >= 0) return lines[replaced] === line ? lines : lines.with(replaced, line);
  if (lines.includes(line)) return lines;
  const place = after === undefined ? -1 : lines.findLastIndex(tester(after));
  return place < 0 ? [...lines, line] : lines.toSpliced(place + 1, 0, line);
}

function tester(source: string): (line: string) => boolean {
  const pattern = compilePattern(source);
  return (line) => matchesPattern(pattern, line);
}
