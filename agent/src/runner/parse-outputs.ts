// Reads what a step wrote to $OC_OUTPUT: `key=value` lines, and `key<<END` … `END` for values of many lines. Pure.

export const maxOutputsBytes = 256 * 1024;
const maxOutputs = 200;
const keyPattern = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;

export type ParsedOutputs =
  | { values: Record<string, string>; problem: undefined }
  | { values: undefined; problem: string };

/** The last of several values under one key stays. A problem names the line. */
export function parseOutputs(bytes: Uint8Array): ParsedOutputs {
  if (bytes.length > maxOutputsBytes) return problem(`more than ${maxOutputsBytes / 1024} KiB were written`);
  const lines = Buffer.from(bytes).toString("utf8").split(/\r?\n/);
  const values: Record<string, string> = {};
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.trim() === "") continue;
    const [, key, operator, rest] = /^([^=<]*)(=|<<)(.*)$/s.exec(line) ?? [];
    if (key === undefined || !keyPattern.test(key))
      return problem(`line ${i + 1} is neither name=value nor name<<END (a name has letters, digits, _ and -)`);
    if (operator === "=") values[key] = rest!;
    else {
      const end = lines.indexOf(rest!, i + 1);
      if (rest === "" || end < 0) return problem(`the value of ${key} in line ${i + 1} has no end line "${rest}"`);
      values[key] = lines.slice(i + 1, end).join("\n");
      i = end;
    }
  }
  if (Object.keys(values).length > maxOutputs) return problem(`more than ${maxOutputs} outputs were written`);
  return { values, problem: undefined };
}

function problem(text: string): ParsedOutputs {
  return { values: undefined, problem: `$OC_OUTPUT cannot be read: ${text}` };
}
