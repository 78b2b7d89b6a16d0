// When facts are told: after the first hello, when they changed, and once an hour so that "as of" stays honest. One for
// the life of the process, because a reconnect changes no fact.
import { createHash } from "node:crypto";
import { canonicalJson } from "@opsconductor/contract/job/inputs";
import type { Logger } from "pino";
import type { Host } from "./host.ts";

const mostBytes = 256 * 1024;
const repeatAfterMs = 3_600_000;
const doubtMs = 30_000;

export class FactsReporter {
  /** How often it is worth asking. */
  readonly everyMs = 300_000;
  readonly #host: Host;
  readonly #log: Logger;
  #toldSha256 = "";
  #toldAtMs = 0;

  constructor(host: Host, log: Logger) {
    this.#host = host;
    this.#log = log;
  }

  /** What to send now; undefined when the controller has it already. Never rejects. */
  async next(): Promise<Buffer | undefined> {
    try {
      const json = Buffer.from(canonicalJson(await this.#host.facts()));
      if (json.length > mostBytes) throw new Error(`The facts take ${json.length} bytes; the limit is ${mostBytes}`);
      const sha256 = createHash("sha256").update(json).digest("hex");
      const fresh = performance.now() - this.#toldAtMs < repeatAfterMs;
      if (sha256 === this.#toldSha256 && fresh) return undefined;
      this.#toldSha256 = sha256;
      this.#toldAtMs = performance.now();
      return json;
    } catch (error) {
      this.#log.warn({ err: error }, "link.facts_not_reported");
      return undefined;
    }
  }

  /** Facts have no acknowledgement: what was told right before the end may not have been stored. */
  sessionEnded(): void {
    if (performance.now() - this.#toldAtMs < doubtMs) this.#toldSha256 = "";
  }
}
