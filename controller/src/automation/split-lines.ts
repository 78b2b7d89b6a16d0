// Lines out of stored bytes, for the log viewer: any bytes in, safe text out. Pure; called by read-output-lines.ts.

/** A line longer than this is cut for display; downloads have all of it. */
export const maxLineBytes = 64 * 1024;

export class LineCollector {
  readonly lines: string[] = [];
  /** The last line had no newline yet. */
  lastOpen = false;
  #skip: bigint;
  readonly #limit: number;
  #line: Buffer[] = [];
  #kept = 0;
  #length = 0;
  #bytes = 0;

  /** `skip`: newlines to pass over before the first wanted line begins. */
  constructor(skip: bigint, limit: number) {
    this.#skip = skip;
    this.#limit = limit;
  }

  /** Bytes of finished lines, to stop at a bound. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.lines.length >= this.#limit;
  }

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.isFull) {
      const newline = bytes.indexOf(10, at);
      const end = newline < 0 ? bytes.length : newline;
      if (this.#skip === 0n) this.#keep(bytes.subarray(at, end));
      if (newline < 0) return;
      if (this.#skip > 0n) this.#skip--;
      else this.#close(false);
      at = newline + 1;
    }
  }

  /** The stream ends here for now. `complete`: no byte can follow, so a cut character will not become whole. */
  end(complete: boolean): void {
    if (this.isFull || this.#length === 0) return;
    this.lastOpen = true;
    this.#close(!complete);
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#kept >= maxLineBytes || part.length === 0) return;
    const fits = part.subarray(0, maxLineBytes - this.#kept);
    this.#line.push(fits);
    this.#kept += fits.length;
  }

  #close(mayGoOn: boolean): void {
    const cut = this.#length - this.#kept;
    const bytes = this.#line.length === 1 ? this.#line[0]! : Buffer.concat(this.#line);
    const text = lineText(bytes, mayGoOn || cut > 0);
    this.lines.push(cut > 0 ? `${text}… (${cut} more bytes in this line)` : text);
    this.#bytes += this.#kept;
    this.#line = [];
    this.#kept = 0;
    this.#length = 0;
  }
}

/** Invalid UTF-8 as U+FFFD, NUL as U+2400; a character that is cut at the end is left out when more may come. */
export function lineText(bytes: Uint8Array, mayGoOn: boolean): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return decoder.decode(bytes, { stream: mayGoOn }).replaceAll("\u0000", "\u2400");
}
