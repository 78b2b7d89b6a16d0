// What a remote command writes, as text: its lines go to the step's output as they come, its beginning is kept. Used by
// ssh.ts and winrm.ts.
import { StringDecoder } from "node:string_decoder";

const keptLength = 64 * 1024;

export class StreamText {
  readonly #log: (line: string) => void;
  /** A character may be cut in two by the network. */
  readonly #decoder = new StringDecoder("utf8");
  #open = "";
  #kept = "";

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  get kept(): string {
    return this.#kept;
  }

  write(bytes: Buffer): void {
    this.#take(this.#decoder.write(bytes));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#open !== "") this.#log(this.#open);
    this.#open = "";
  }

  #take(text: string): void {
    if (this.#kept.length < keptLength) this.#kept = (this.#kept + text).slice(0, keptLength);
    const lines = (this.#open + text).split("\n");
    this.#open = lines.pop()!;
    for (const line of lines) this.#log(line.replace(/\r$/, ""));
  }
}
