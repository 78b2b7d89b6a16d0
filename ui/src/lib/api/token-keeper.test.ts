import { beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "./api-error.ts";
import { TokenKeeper } from "./token-keeper.ts";
import type { LoginResponse, User } from "./types.ts";

const user = { id: "u", username: "admin" } as User;
const login = (accessToken: string): LoginResponse => ({ accessToken, expiresIn: 600, user });
const answer = (status: number, body: unknown = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });

let nowMs = 0;
let answers: (() => Promise<Response>)[] = [];
let asked = 0;
let signedOut = 0;

function keeper(): TokenKeeper {
  return new TokenKeeper({
    fetch: async () => {
      asked += 1;
      const next = answers.shift();
      if (!next) throw new TypeError("Failed to fetch");
      return next();
    },
    exclusive: (task) => task(),
    nowMs: () => nowMs,
    onSignedIn: vi.fn(),
    onSignedOut: () => {
      signedOut += 1;
    },
  });
}

beforeEach(() => {
  nowMs = 0;
  answers = [];
  asked = 0;
  signedOut = 0;
});

describe("TokenKeeper", () => {
  test("a fresh token is used without asking", async () => {
    const tokens = keeper();
    tokens.accept(login("one"));
    expect(await tokens.token()).toBe("one");
    expect(asked).toBe(0);
  });

  test("a token near its end is renewed before it is used", async () => {
    const tokens = keeper();
    tokens.accept(login("one"));
    nowMs = 590_000;
    answers = [async () => answer(200, login("two"))];
    expect(await tokens.token()).toBe("two");
    expect(await tokens.token(), "and then kept").toBe("two");
    expect(asked).toBe(1);
  });

  test("many callers at once make one refresh", async () => {
    const tokens = keeper();
    answers = [async () => answer(200, login("one"))];
    const all = await Promise.all(Array.from({ length: 20 }, () => tokens.token()));
    expect(new Set(all)).toEqual(new Set(["one"]));
    expect(asked).toBe(1);
  });

  test("a caller whose refused token was renewed meanwhile takes the new one without asking", async () => {
    const tokens = keeper();
    tokens.accept(login("one"));
    answers = [async () => answer(200, login("two"))];
    await tokens.refresh("one");
    expect(await tokens.refresh("one")).toBe("two");
    expect(asked).toBe(1);
  });

  test("a refused refresh ends the session once", async () => {
    const tokens = keeper();
    tokens.accept(login("one"));
    answers = [async () => answer(401, { code: "unauthenticated" })];
    const all = await Promise.all([tokens.refresh("one"), tokens.refresh("one")]);
    expect(all).toEqual([undefined, undefined]);
    expect(signedOut).toBe(1);
  });

  test("a controller that does not answer signs nobody out", async () => {
    const tokens = keeper();
    tokens.accept(login("one"));
    await expect(tokens.refresh("one")).rejects.toMatchObject({ code: "offline", status: 0 });
    answers = [async () => answer(503, { code: "unavailable", detail: "starting" })];
    await expect(tokens.refresh("one")).rejects.toBeInstanceOf(ApiError);
    expect(signedOut).toBe(0);
    answers = [async () => answer(200, login("two"))];
    expect(await tokens.refresh("one"), "and the next try may succeed").toBe("two");
  });
});
