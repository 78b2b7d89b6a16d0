// Holds the access token (in memory only) and renews it by the refresh cookie, once at a time in this tab and, by a
// Web Lock, once at a time in the browser. Called by the API client and the live stream.
import { ApiError, readApiError } from "./api-error.ts";
import type { LoginResponse } from "./types.ts";

export interface TokenKeeperDeps {
  fetch: typeof fetch;
  /** Runs `task` while no other tab does; the browser's Web Locks where they exist. */
  exclusive: <T>(task: () => Promise<T>) => Promise<T>;
  nowMs: () => number;
  onSignedIn: (login: LoginResponse) => void;
  onSignedOut: () => void;
}

/** A token with less than this left is renewed before use, so that a request does not die on its way. */
const earlyMs = 15_000;

export class TokenKeeper {
  #deps: TokenKeeperDeps;
  #token: string | undefined;
  #expiresAtMs = 0;
  #refreshing: Promise<string | undefined> | undefined;

  constructor(deps: TokenKeeperDeps) {
    this.#deps = deps;
  }

  /** Takes the answer of sign-in or refresh. */
  accept(login: LoginResponse): void {
    this.#token = login.accessToken;
    this.#expiresAtMs = this.#deps.nowMs() + login.expiresIn * 1000;
    this.#deps.onSignedIn(login);
  }

  forget(): void {
    this.#token = undefined;
    this.#expiresAtMs = 0;
  }

  /** A token good for a request now, renewed when needed; undefined when nobody is signed in. */
  async token(): Promise<string | undefined> {
    if (this.#token && this.#deps.nowMs() < this.#expiresAtMs - earlyMs) return this.#token;
    return this.refresh(this.#token);
  }

  /**
   * Renews after a 401. `rejected` is the token that was refused: when another caller has renewed meanwhile, its
   * token is used instead of asking again. Resolves to undefined when the session is over; throws ApiError when the
   * controller could not be asked, which must not sign anybody out.
   */
  async refresh(rejected: string | undefined): Promise<string | undefined> {
    if (this.#token && this.#token !== rejected) return this.#token;
    this.#refreshing ??= this.#deps
      .exclusive(() => this.#ask())
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  async #ask(): Promise<string | undefined> {
    let response: Response;
    try {
      response = await this.#deps.fetch("/api/v1/auth/refresh", { method: "POST", credentials: "same-origin" });
    } catch (cause) {
      throw new ApiError({ status: 0, code: "offline", detail: "" }, cause);
    }
    if (response.ok) {
      this.accept((await response.json()) as LoginResponse);
      return this.#token;
    }
    if (response.status !== 401 && response.status !== 403) throw await readApiError(response);
    this.forget();
    this.#deps.onSignedOut();
    return undefined;
  }
}
