// What JSON.parse lets pass and we do not: a name that stands twice in one object (the last would win in silence), and
// nesting so deep that whatever walks the value later runs out of stack. Pure; used by json-body.ts.
//
// Reads only text that JSON.parse accepted, so it looks at brackets, commas and strings and checks nothing else.
// 1 MiB takes 5 to 20 ms.

const maxDepth = 64;

interface Open {
  /** Names seen so far; undefined in a list. */
  names: Set<string> | undefined;
  /** Where we are in it. */
  at: string | number;
  expectsName: boolean;
}

/** What is wrong, with the dotted path to it; undefined when nothing is. */
export function jsonShapeProblem(text: string): { path: string; message: string } | undefined {
  const open: Open[] = [];
  for (let i = 0; i < text.length; i++) {
    const top = open.at(-1);
    switch (text[i]) {
      case '"': {
        const end = endOfString(text, i);
        if (top?.expectsName) {
          const name: string = JSON.parse(text.slice(i, end));
          top.at = name;
          top.expectsName = false;
          if (top.names!.has(name)) return { path: pathOf(open), message: "stands twice in the same object; keep one" };
          top.names!.add(name);
        }
        i = end - 1;
        break;
      }
      case "{":
      case "[":
        if (open.length === maxDepth)
          return { path: pathOf(open.slice(0, 3)), message: `is nested deeper than ${maxDepth} levels` };
        open.push(text[i] === "{" ? { names: new Set(), at: "", expectsName: true } : newList());
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        if (top?.names) top.expectsName = true;
        else if (top) top.at = Number(top.at) + 1;
    }
  }
  return undefined;
}

const newList = (): Open => ({ names: undefined, at: 0, expectsName: false });
const pathOf = (open: readonly Open[]) => open.map(({ at }) => at).join(".");

/** Behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
