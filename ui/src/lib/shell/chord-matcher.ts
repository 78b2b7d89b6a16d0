// Matches key presses against shortcuts of one or two keys. Pure; time is an argument.

const chordMs = 1200;

export class ChordMatcher {
  #first: string | undefined;
  #firstAtMs = 0;

  /** The shortcut that `key` completes, or undefined. A first key waits 1.2 s for its second. */
  press(key: string, atMs: number, known: readonly string[]): string | undefined {
    const first = this.#first !== undefined && atMs - this.#firstAtMs <= chordMs ? this.#first : undefined;
    this.#first = undefined;
    if (first !== undefined) {
      const chord = `${first} ${key}`;
      if (known.includes(chord)) return chord;
    }
    if (known.includes(key)) return key;
    if (known.some((keys) => keys.startsWith(`${key} `))) {
      this.#first = key;
      this.#firstAtMs = atMs;
    }
    return undefined;
  }
}
