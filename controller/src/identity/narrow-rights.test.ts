import { expect, test } from "vitest";
import { rightsOf } from "./grants.ts";
import { narrowRights } from "./narrow-rights.ts";

const group = {
  scope: "group" as const,
  groupId: "g",
  selector: null,
  jobId: null,
  ownExecutions: false,
  lockedInputs: {},
};
const narrowed = (roles: string[], scopes: string[]) => [...narrowRights(rightsOf(roles, []), scopes).permissions];

test("a token has of its scopes what its owner has", () => {
  expect(narrowed(["jobs:read", "jobs:write"], ["jobs:read", "users:write"])).toEqual(["jobs:read"]);
});

test("an owner who may do everything gives a narrow token no more than its scopes", () => {
  expect(narrowed(["*"], ["jobs:read"])).toEqual(["jobs:read"]);
});

test("a token for everything follows its owner, and is nothing when the owner is", () => {
  expect(narrowed(["jobs:read"], ["*"])).toEqual(["jobs:read"]);
  expect(narrowed([], ["*"])).toEqual([]);
});

test("what the owner may do in a part of the fleet, the token may do there, as far as its scopes go", () => {
  const operator = { ...group, id: "1", permissions: ["jobs:execute", "jobs:read"] };
  const owner = rightsOf(
    [],
    [operator, { ...group, id: "2", permissions: ["*"] }, { ...group, id: "3", permissions: ["targets:read"] }],
  );
  const { permissions, grants } = narrowRights(owner, ["jobs:read"]);
  expect([...permissions]).toEqual([]);
  expect(grants.map(({ id, permissions }) => [id, ...permissions])).toEqual([
    ["1", "jobs:read"],
    ["2", "jobs:read"],
  ]);
});
