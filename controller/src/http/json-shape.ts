// What JSON.parse lets pass and we do not, because the value would be another than the one that was sent: a name that
// stands twice in one object (the last wins), __proto__ (dropped on the way), numbers that lose digits; and nesting so
// deep that whatever walks the value later runs out of stack. Pure; used by json-body.ts.
//
// Reads only text that JSON.parse accepted, so it looks at brackets, commas, strings and digits and checks nothing else.
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
          if (name === "__proto__")
            return { path: pathOf(open), message: "is a name that cannot be kept; choose another" };
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
      case "-":
      case "0":
      case "1":
      case "2":
      case "3":
      case "4":
      case "5":
      case "6":
      case "7":
      case "8":
      case "9": {
        number.lastIndex = i;
        const digits = number.exec(text)![0];
        if (losesDigits(digits))
          return {
            path: pathOf(open),
            message: "is a number beyond what JSON carries exactly (whole numbers up to 9007199254740991)",
          };
        i += digits.length - 1;
        break;
      }
      case ",":
        if (top?.names) top.expectsName = true;
        else if (top) top.at = Number(top.at) + 1;
    }
  }
  return undefined;
}

const number = /[-+.\deE]+/y;

/** Beyond what every JSON reader keeps (RFC 8259, 6): 1e400 becomes null, 2^53 + 1 becomes 2^53. */
function losesDigits(text: string): boolean {
  const value = Number(text);
  return !Number.isFinite(value) || (Number.isInteger(value) && /^-?\d+$/.test(text) && !Number.isSafeInteger(value));
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
