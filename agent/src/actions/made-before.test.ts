import { expect, test } from "vitest";
import { changedBefore, madeBefore, madeBy } from "./made-before.ts";

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

test("files on another machine are made by what is run there, and by what is copied to it", () => {
  const needed = { kind: "remote", host: "nas", name: "/tmp/dump" } as const;
  const upload = { direction: "upload", local: "/a" };
  expect(madeBefore(madeBy("ssh", { host: "nas" }), needed)).toBe(", when a step before has made /tmp/dump on nas");
  expect(madeBefore(madeBy("ssh", { host: "other" }), needed)).toBeUndefined();
  expect(madeBefore(madeBy("sftp", { ...upload, host: "nas", remote: "/tmp/dump" }), needed)).toBeDefined();
  expect(madeBefore(madeBy("sftp", { ...upload, host: "nas", remote: "/tmp/other" }), needed)).toBeUndefined();
  const download = madeBy("sftp", { direction: "download", host: "nas", local: "/srv/x", remote: "/y" });
  expect(madeBefore(download, { kind: "file", name: "/srv/x" })).toBeDefined();
});

test("of what is there only a step that writes it leaves open what is in it", () => {
  const needed = { kind: "file", name: "/opt/app/conf" } as const;
  expect(changedBefore(madeBy("git", { path: "/opt/app" }), needed)).toContain("cannot be known");
  expect(changedBefore(madeBy("package", { names: ["app"] }), needed)).toBeUndefined();
  expect(changedBefore(madeBy("directory", { path: "/opt/app" }), needed)).toBeUndefined();
  expect(changedBefore(madeBy("file", { path: "/opt/app/conf" }), { kind: "folder", name: "/opt/app" })).toBeDefined();
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
