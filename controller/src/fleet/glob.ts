// Names with `*` and `?`, as join tokens bind them. Pure.

/** Ignores case. Linear but for one star's retries: a pattern of many stars cannot hang the controller as a regex could. */
export function matchesGlob(pattern: string, name: string): boolean {
  const p = pattern.toLowerCase();
  const n = name.toLowerCase();
  let [i, j, star, mark] = [0, 0, -1, 0];
  while (j < n.length) {
    if (p[i] === "*") [star, mark, i] = [i, j, i + 1];
    else if (i < p.length && (p[i] === "?" || p[i] === n[j])) [i, j] = [i + 1, j + 1];
    else if (star >= 0) [mark, j, i] = [mark + 1, mark + 1, star + 1];
    else return false;
  }
  return p.slice(i).replaceAll("*", "") === "";
}
