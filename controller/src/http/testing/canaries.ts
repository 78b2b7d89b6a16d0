// Secrets that were used in a test, by name, and the search for them in whatever was written or answered. For
// canaries.db.test.ts.

/** As a text, or the bytes of a key. */
type Secret = string | Buffer;

export class Canaries {
  readonly #secrets = new Map<string, { plain: string[]; encoded: string[] }>();

  plant(name: string, secret: Secret): void {
    if (secret?.length < 14) throw new Error(`${name} is too short to be told from other text`);
    const bytes = Buffer.from(secret as Buffer);
    const plain = typeof secret === "string" ? [secret] : [];
    this.#secrets.set(name, { plain, encoded: [...hexOf(bytes), ...base64Of(bytes)] });
  }

  get names(): string[] {
    return [...this.#secrets.keys()];
  }

  /** Every form in which the one of this name would be seen. */
  formsOf(name: string): string[] {
    const { plain, encoded } = this.#secrets.get(name)!;
    return [...plain, ...encoded];
  }

  /** Names of those that the text holds. Line breaks, as PEM has them, hide nothing. */
  found(text: string): string[] {
    const joined = text.replaceAll(/\\+[nr]|\s/g, "");
    const holds = ({ plain, encoded }: { plain: string[]; encoded: string[] }) =>
      plain.some((form) => text.includes(form)) || encoded.some((form) => joined.includes(form));
    return [...this.#secrets].flatMap(([name, forms]) => (holds(forms) ? [name] : []));
  }
}

const hexOf = (bytes: Buffer) => [bytes.toString("hex"), bytes.toString("hex").toUpperCase()];

/** Alone, and as a part of something longer: base64 reads three bytes at a time, from any of three places. */
function base64Of(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const from = Math.ceil((before * 4) / 3);
    const whole = Math.floor(((before + bytes.length) * 4) / 3);
    return (["base64", "base64url"] as const).map((form) =>
      Buffer.concat([Buffer.alloc(before), bytes])
        .toString(form)
        .slice(from, whole),
    );
  });
}
