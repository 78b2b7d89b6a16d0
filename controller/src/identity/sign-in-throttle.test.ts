import { expect, test } from "vitest";
import { SignInThrottle } from "./sign-in-throttle.ts";

function setup() {
  let now = 1_000_000;
  const throttle = new SignInThrottle(() => now);
  const fail = (times: number, account: string, address: string) => {
    for (let i = 0; i < times; i++) throttle.failed(account, address);
  };
  const refused = (account: string, address: string, known = false) => {
    try {
      throttle.check(account, address, known);
      return false;
    } catch {
      return true;
    }
  };
  return { throttle, fail, refused, pass: (ms: number) => (now += ms) };
}

test("the ninth wrong password of one account from one address has to wait, and says how long", () => {
  const { throttle, fail, refused } = setup();
  fail(7, "admin", "10.0.0.1");
  expect(refused("admin", "10.0.0.1")).toBe(false);
  fail(1, "ADMIN", "10.0.0.1");
  expect(() => throttle.check("admin", "10.0.0.1", false)).toThrow("Try again in 10 min");
});

test("a stranger's failures do not stop the owner at another address", () => {
  const { fail, refused } = setup();
  fail(8, "admin", "10.0.0.1");
  expect(refused("admin", "10.0.0.2")).toBe(false);
});

test("many addresses against one account are stopped, except where it signed in before", () => {
  const { fail, refused } = setup();
  for (let i = 0; i < 100; i++) fail(1, "admin", `10.0.1.${i}`);
  expect(refused("admin", "10.9.9.9")).toBe(true);
  expect(refused("admin", "10.9.9.9", true)).toBe(false);
});

test("one address against many accounts is stopped, a whole IPv6 /64 alike", () => {
  const { fail, refused } = setup();
  for (let i = 0; i < 40; i++) fail(1, `user${i}`, `2001:db8:1:2::${i}`);
  expect(refused("other", "2001:db8:1:2:ffff::1")).toBe(true);
  expect(refused("other", "2001:db8:1:3::1")).toBe(false);
});

test("the wait ends after the window, and a success clears the pair", () => {
  const { throttle, fail, refused, pass } = setup();
  fail(8, "admin", "10.0.0.1");
  pass(10 * 60_000 + 1);
  expect(refused("admin", "10.0.0.1")).toBe(false);
  fail(8, "admin", "10.0.0.1");
  throttle.succeeded("admin", "10.0.0.1");
  expect(refused("admin", "10.0.0.1")).toBe(false);
});
