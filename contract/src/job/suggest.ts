// "Did you mean …": the nearest known word by edit distance. Used by every error of the job format, the
// configuration and requests. Pure.

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The known word that `word` most likely meant, or undefined when nothing is near enough to be worth a guess. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined;
  const plain = normalise(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(plain, normalise(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  // `int` for integer, `desc` for description: too far for the distance, and clear to people.
  const isStart = (candidate: string) => plain.length >= 3 && normalise(candidate).startsWith(plain);
  return best ?? [...known].find(isStart);
}

/** `keep-days`, `keep_days` and `keepDays` are the same word written by people of different languages. */
function normalise(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}
