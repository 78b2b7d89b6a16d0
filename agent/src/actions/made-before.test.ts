import { expect, test } from "vitest";
import { madeBefore, madeBy } from "./made-before.ts";

test("a step that needs what a step before would make is told which", () => {
  const user = madeBy("user", { name: "deploy", state: "present" });
  expect(madeBefore(user, { kind: "user", name: "deploy" })).toBe(", when a step before has made the user deploy");
  expect(madeBefore(user, { kind: "group", name: "deploy" })).toBe(", when a step before has made the group deploy");
  const unit = madeBy("copy", { from: "/a", path: "/etc/systemd/system/app.service" });
  expect(madeBefore(unit, { kind: "service", name: "app.service" })).toContain("the service app.service");
  expect(madeBefore(unit, { kind: "file", name: "/etc/systemd/system/app.service" })).toMatch(/made \/etc/);
  expect(madeBefore(madeBy("git", { path: "/opt/app" }), { kind: "file", name: "/opt/app/x" })).toBeDefined();
  expect(madeBefore(madeBy("package", { names: ["nginx"] }), { kind: "service", name: "nginx" })).toBeDefined();
});

test("what nothing before would make stays a mistake", () => {
  const user = madeBy("user", { name: "deploy", group: "users", state: "present" });
  expect(madeBefore(user, { kind: "user", name: "deplyo" })).toBeUndefined();
  expect(madeBefore(user, { kind: "group", name: "deploy" })).toBeUndefined();
  expect(madeBefore(user, { kind: "service", name: "deploy" })).toBeUndefined();
  expect(madeBefore(madeBy("git", { path: "/opt/app" }), { kind: "file", name: "/opt/application" })).toBeUndefined();
  expect(madeBy("user", { name: "deploy", state: "absent" })).toEqual([]);
  expect(madeBy("package", { names: ["nginx"], state: "absent" })).toEqual([]);
});
