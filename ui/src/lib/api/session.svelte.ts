// Who is signed in, in this tab. The shell reads it, sign-in and sign-out change it, other tabs follow.
import { TokenKeeper } from "./token-keeper.ts";
import type { LoginResponse, User } from "./types.ts";

class Session {
  user = $state.raw<User | undefined>(undefined);
  /** Unknown until the first refresh was answered. */
  known = $state(false);
  /** It ended by itself while the console was open: the sign-in page says so. */
  ended = $state(false);
  readonly tokens: TokenKeeper;
  readonly #channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("oc.session");
  readonly #signedOut = new Set<() => void>();
  readonly #signedInElsewhere = new Set<(user: User) => void>();

  constructor() {
    this.tokens = new TokenKeeper({
      fetch: (...args) => fetch(...args),
      exclusive: (task) =>
        navigator.locks ? (navigator.locks.request("oc.refresh", task) as ReturnType<typeof task>) : task(),
      nowMs: () => Date.now(),
      onSignedIn: (login) => this.#signIn(login),
      onSignedOut: () => this.#end(),
    });
    if (this.#channel)
      this.#channel.onmessage = ({ data }: MessageEvent<{ userId: string } | undefined>) => {
        if (data?.userId === undefined) this.#end();
        else void this.#follow(data.userId).catch((error: unknown) => console.debug("cannot follow a sign-in", error));
      };
  }

  /** Finds out once whether the refresh cookie still means somebody. Throws when the controller cannot be asked. */
  async start(): Promise<User | undefined> {
    if (!this.known) await this.tokens.token();
    this.known = true;
    return this.user;
  }

  /** Ends the session here and in the other tabs; the caller has told the server. */
  signOut(): void {
    this.#channel?.postMessage({});
    this.#end();
    this.ended = false;
  }

  /** Somebody signed in in this tab, or has a password of their own now: the other tabs follow. */
  tellOthers(user: User): void {
    this.#channel?.postMessage({ userId: user.id });
  }

  /** Another tab signed somebody in, and this one is signed in by that now. */
  onSignedInElsewhere(listener: (user: User) => void): () => void {
    this.#signedInElsewhere.add(listener);
    return () => this.#signedInElsewhere.delete(listener);
  }

  /** The refresh cookie is another one now; this tab must not go on as somebody else. */
  async #follow(userId: string): Promise<void> {
    if (this.user?.id === userId && !this.user.mustChangePassword) return;
    if (this.user && this.user.id !== userId) this.#end();
    this.tokens.forget();
    await this.tokens.token();
    const user = this.user;
    if (user) for (const listener of this.#signedInElsewhere) listener(user);
  }

  onSignedOut(listener: () => void): () => void {
    this.#signedOut.add(listener);
    return () => this.#signedOut.delete(listener);
  }

  /** On anything at all, or `everywhere`: over everything. */
  can(permission: string, where: "permissions" | "everywhere" = "permissions"): boolean {
    const held = this.user?.[where] ?? [];
    return held.includes("*") || held.includes(permission);
  }

  #signIn(login: LoginResponse): void {
    this.user = login.user;
    this.known = true;
    this.ended = false;
  }

  #end(): void {
    this.tokens.forget();
    const was = this.user;
    this.user = undefined;
    this.known = true;
    this.ended = was !== undefined;
    if (was) for (const listener of this.#signedOut) listener();
  }
}

export const session = new Session();
