// Server-sent events from a byte stream (WHATWG HTML, 9.2.6), because EventSource cannot send a bearer token. Pure.

export interface SseMessage {
  id: string | undefined;
  event: string;
  data: string;
}

/** Feed decoded text in pieces of any size; complete messages come back in order. */
export class SseParser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | undefined;
  #started = false;

  push(text: string): SseMessage[] {
    const out: SseMessage[] = [];
    let buffer = this.#rest + text;
    if (!this.#started && buffer.length > 0) {
      if (buffer.startsWith("\uFEFF")) buffer = buffer.slice(1);
      this.#started = true;
    }
    let start = 0;
    for (;;) {
      const end = lineEnd(buffer, start);
      if (!end) break;
      this.#line(buffer.slice(start, end.at), out);
      start = end.next;
    }
    this.#rest = buffer.slice(start);
    return out;
  }

  #line(line: string, out: SseMessage[]): void {
    if (line === "") {
      if (this.#data.length > 0)
        out.push({ id: this.#id, event: this.#event || "message", data: this.#data.join("\n") });
      this.#event = "";
      this.#data = [];
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
  }
}

/** Where the line from `start` ends: LF, CRLF or CR; a CR at the very end waits, its LF may still come. */
function lineEnd(text: string, start: number): { at: number; next: number } | undefined {
  for (let i = start; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 10) return { at: i, next: i + 1 };
    if (code !== 13) continue;
    if (i + 1 === text.length) return undefined;
    return { at: i, next: text.charCodeAt(i + 1) === 10 ? i + 2 : i + 1 };
  }
  return undefined;
}
