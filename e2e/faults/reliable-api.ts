// The REST API as a careful client uses it while the server dies and comes back: what was not answered is asked again,
// and because every request that changes something carries a key, asking again changes nothing twice. Called by the
// fault tests.
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type Api, ApiError } from "../devstack/api.ts";

const againAfterMs = 100;

export class ReliableApi {
  readonly #signIn: () => Promise<Api>;
  readonly #signal: AbortSignal;
  #api: Promise<Api> | undefined;

  constructor(signIn: () => Promise<Api>, signal: AbortSignal) {
    this.#signIn = signIn;
    this.#signal = signal;
  }

  /** Repeats until it is answered with something other than "not now". Throws for a refusal. */
  async call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
    const answer = await this.answer<T>(method, path, body, headers);
    if (answer.status >= 300) throw new ApiError(`${method} ${path}`, answer);
    return answer.body;
  }

  /** As `call`, and a refusal is an answer too. */
  async answer<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
    for (;;) {
      this.#signal.throwIfAborted();
      const answer = await this.#once<T>(method, path, body, headers);
      if (answer !== undefined) return answer;
      await sleep(againAfterMs);
    }
  }

  /** Raw bytes of a download, asked again until it is whole. */
  async bytes(path: string): Promise<Uint8Array> {
    for (;;) {
      this.#signal.throwIfAborted();
      const api = await this.#signedIn();
      const bytes = await api?.bytes(path).catch(() => undefined);
      if (bytes !== undefined) return bytes;
      this.#api = undefined;
      await sleep(againAfterMs);
    }
  }

  async #once<T>(
    method: string,
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T> | undefined> {
    const api = await this.#signedIn();
    const answer = await api?.request<T>(method, path, body, headers).catch(() => undefined);
    if (answer === undefined) return undefined; // nobody knows what the server did: that is what keys are for
    if (answer.status === 401) this.#api = undefined; // the access token is older than ten minutes
    return answer.status === 401 || answer.status === 429 || answer.status >= 500 ? undefined : answer;
  }

  async #signedIn(): Promise<Api | undefined> {
    this.#api ??= this.#signIn();
    return this.#api.catch(() => {
      this.#api = undefined;
      return undefined;
    });
  }
}
