import { expect, test } from "vitest";
import { dayChoices, scopeGroups, tokenForm, tokenInputOf, tokenProblems } from "./token-form.ts";

const rules = { defaultDays: 90, maxDays: 366, servicesMayNeverExpire: false };

test("an empty form lacks a name and a permission, and has the usual end", () => {
  const form = tokenForm(rules);
  expect(tokenProblems(form)).toEqual(["nameMissing", "scopesMissing"]);
  expect(tokenProblems({ ...form, name: " ci ", everything: true })).toEqual([]);
  expect(tokenInputOf({ ...form, name: " ci ", scopes: ["jobs:read"] })).toEqual({
    name: "ci",
    scopes: ["jobs:read"],
    expiresInDays: 90,
  });
});

test("everything is a scope of its own, and never is no number of days", () => {
  const form = { ...tokenForm(rules), name: "x", everything: true, scopes: ["jobs:read"], expires: "never" };
  expect(tokenInputOf(form)).toEqual({ name: "x", scopes: ["*"], expiresInDays: null });
});

test("the times to choose from end where the rules end", () => {
  expect(dayChoices(rules)).toEqual([7, 30, 90, 180, 365, 366]);
  expect(dayChoices({ ...rules, defaultDays: 20, maxDays: 20 })).toEqual([7, 20]);
});

test("only permissions that somebody holds are offered, by area", () => {
  const all = ["jobs:read", "users:read", "jobs:write"];
  expect(scopeGroups(all, ["jobs:write", "jobs:read"])).toEqual([["jobs", ["jobs:read", "jobs:write"]]]);
  expect(scopeGroups(all, ["*"], ["jobs:read"])).toEqual([["jobs", ["jobs:read"]]]);
  expect(scopeGroups(all, ["*"]).map(([area]) => area)).toEqual(["jobs", "users"]);
});
