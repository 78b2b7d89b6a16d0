// What must not leave an action: the values of credentials it has read. Accident protection, as everywhere; the boundary is
// who may use which credential.

/** Shorter ones would take words out of every text. */
const shortest = 6;

export class Secrets {
  readonly #values: { name: string; value: string }[] = [];

  add(name: string, value: string): void {
    const lines = value.includes("\n") ? value.split("\n") : [];
    for (const one of [value, ...lines]) if (one.length >= shortest) this.#values.push({ name, value: one });
    this.#values.sort((a, b) => b.value.length - a.value.length);
  }

  clean(text: string): string {
    return this.#values.reduce((rest, { name, value }) => rest.replaceAll(value, `[REDACTED:${name}]`), text);
  }
}
