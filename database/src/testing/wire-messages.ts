// Cuts a byte stream of PostgreSQL's protocol into its messages. Used by postgres-proxy.ts.
// https://www.postgresql.org/docs/18/protocol-message-formats.html

export interface WireMessage {
  /** The letter; "startup" for a client's first one. */
  type: string;
  /** The message as it was on the wire. */
  bytes: Buffer;
  /** The n-th text of its body, as far as it begins with texts (which end in a zero byte). */
  text(n: number): string;
}

export class MessageReader {
  private rest: Buffer = Buffer.alloc(0);
  private expectsStartup: boolean;

  constructor(begins: "startup first" | "typed") {
    this.expectsStartup = begins === "startup first";
  }

  /** The messages that are complete now; what is not waits for the next call. */
  *read(chunk: Buffer): Generator<WireMessage> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (;;) {
      const head = this.expectsStartup ? 0 : 1; // the length does not count the letter
      if (this.rest.length < head + 4) return;
      const end = head + this.rest.readUInt32BE(head);
      if (this.rest.length < end) return;
      const bytes = this.rest.subarray(0, end);
      this.rest = this.rest.subarray(end);
      yield toMessage(this.expectsStartup ? "startup" : String.fromCharCode(bytes[0]!), bytes, head + 4);
      this.expectsStartup = false;
    }
  }
}

function toMessage(type: string, bytes: Buffer, body: number): WireMessage {
  return {
    type,
    bytes,
    text(n) {
      let from = body;
      for (let skipped = 0; skipped < n; skipped++) {
        const zero = bytes.indexOf(0, from);
        if (zero < 0) return "";
        from = zero + 1;
      }
      const end = bytes.indexOf(0, from);
      return bytes.toString("utf8", from, end < 0 ? bytes.length : end);
    },
  };
}
