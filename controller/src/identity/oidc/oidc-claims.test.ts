import { expect, test } from "vitest";
import { readPerson } from "./oidc-claims.ts";

const names = { username: "preferred_username", groups: "realm_access.roles" };
const read = (claims: object) => readPerson("s", claims as Record<string, unknown>, names);

test("groups lie where the configuration says, as one or many, and what is no text is none", () => {
  expect(read({ realm_access: { roles: ["a", 1, null, "b", ""] } }).groups).toEqual(["a", "b"]);
  expect(read({ realm_access: { roles: "a" } }).groups).toEqual(["a"]);
  expect(read({ "realm_access.roles": ["flat"] }).groups).toEqual(["flat"]);
  expect(read({ realm_access: null }).groups).toEqual([]);
  expect(readPerson("s", { a: "x" }, { ...names, groups: "constructor.name" }).groups).toEqual([]);
});

test("a name that no account can have is none", () => {
  expect(read({ preferred_username: "ann@example.com" }).username).toBe("ann@example.com");
  for (const name of ["a b", "", "<script>", "ä", "x".repeat(65), 7])
    expect(read({ preferred_username: name }).username).toBeUndefined();
});

test("what the provider calls a person is one line that looks like what it is, and so is an e-mail", () => {
  expect(read({ name: "Ann\u202e\nnimdA" }).displayName).toBe("Ann\ufffd\ufffdnimdA");
  expect(read({ email: "ann\u200b@b.example" }).email).toBeNull();
});

test("an e-mail that the provider did not verify is not kept", () => {
  expect(read({ email: "a@b.example", email_verified: true }).email).toBe("a@b.example");
  expect(read({ email: "a@b.example", email_verified: false }).email).toBeNull();
});

test("several factors are those that the provider names", () => {
  expect(read({ amr: ["pwd", "mfa"] }).isMultiFactor).toBe(true);
  expect(read({ amr: ["pwd"] }).isMultiFactor).toBe(false);
  expect(read({}).isMultiFactor).toBe(false);
});
