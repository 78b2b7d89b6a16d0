// Names with `*` and `?`, as selectors and join tokens write them. Pure; whoever ignores case passes lower case.

/** `*` any characters, `?` one code point. Without a regular expression: no pattern can be slow. */
export function matchesGlob(pattern: string, text: string): boolean {
  const want = [...pattern];
  const have = [...text];
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let t = 0; t < have.length; ) {
    if (p < want.length && want[p] === "*") {
      star = p++;
      resume = t;
    } else if (p < want.length && (want[p] === "?" || want[p] === have[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else return false;
  }
  while (want[p] === "*") p++;
  return p === want.length;
}
