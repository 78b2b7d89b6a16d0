import { expect, test } from "vitest";
import { chooseRoles } from "./choose-roles.ts";

const roles = [
  { group: "ops", role: "operator" },
  { group: "ops-lead", role: "operator" },
  { group: "ops-lead", role: "manager" },
];
const mapping = { roles, defaultRole: undefined };

test("groups give their roles, each once", () => {
  expect(chooseRoles([], ["ops", "ops-lead", "choir"], mapping)).toEqual(["manager", "operator"]);
});

test("a group that is gone takes its role along, and leaves what was given by hand", () => {
  expect(chooseRoles(["manager", "operator", "viewer"], ["ops"], mapping)).toEqual(["operator", "viewer"]);
});

test("the default role is for those who would have none, and is left when there is one", () => {
  const withDefault = { roles, defaultRole: "viewer" };
  expect(chooseRoles([], ["choir"], withDefault)).toEqual(["viewer"]);
  expect(chooseRoles(["developer"], [], withDefault)).toEqual(["developer"]);
  expect(chooseRoles([], [], mapping)).toEqual([]);
});

test("a default role that is mapped, too, does not stay when a group gives another one", () => {
  expect(chooseRoles(["operator"], ["ops-lead"], { roles, defaultRole: "operator" })).toEqual(["manager", "operator"]);
});
