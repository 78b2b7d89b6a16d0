import { execFileSync } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ActionBench } from "./testing/action-bench.ts";

let bench: ActionBench;
beforeEach(() => {
  bench = new ActionBench();
});
afterEach(() => bench.close());

describe("git", () => {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", "-C", bench.path("repo"), ...args], {
      encoding: "utf8",
    }).trim();

  function makeRepository(): string {
    execFileSync("git", ["init", "-q", "-b", "main", bench.path("repo")]);
    commit("one");
    git("tag", "-a", "v1", "-m", "first");
    return bench.path("repo");
  }
  function commit(content: string): string {
    writeFileSync(bench.path("repo/file"), content);
    git("add", "file");
    git("commit", "-q", "-m", content);
    return git("rev-parse", "HEAD");
  }

  test("checks out a branch, a tag and a commit, and repeats without a change", async () => {
    const repo = makeRepository();
    const first = git("rev-parse", "HEAD");
    const wish = { repo, path: bench.path("a b/out"), ref: "main" };
    expect(await bench.check("git", wish)).toMatchObject({ changed: true });
    expect(existsSync(wish.path)).toBe(false);
    expect(await bench.run("git", wish)).toMatchObject({ changed: true, outputs: { commit: first } });
    expect(await bench.run("git", wish)).toMatchObject({ changed: false, outputs: { commit: first, before: first } });
    const second = commit("two");
    expect(await bench.run("git", wish)).toMatchObject({ changed: true, outputs: { commit: second, before: first } });
    expect(bench.read("a b/out/file")).toBe("two");
    expect(await bench.run("git", { ...wish, ref: "v1" })).toMatchObject({ outputs: { commit: first } });
    expect(await bench.run("git", { ...wish, ref: second })).toMatchObject({
      outputs: { commit: second, before: first },
    });
    await expect(bench.run("git", { ...wish, ref: "none" })).rejects.toThrow("no branch, tag or commit none");
  });

  test("leaves uncommitted changes alone unless forced, and other directories always", async () => {
    const wish = { repo: makeRepository(), path: bench.path("out") };
    await bench.run("git", wish);
    bench.write("out/file", "mine");
    await expect(bench.run("git", wish)).rejects.toThrow("has changes that nobody committed");
    expect(await bench.check("git", { ...wish, force: true })).toMatchObject({ changed: true });
    expect(bench.read("out/file")).toBe("mine");
    await bench.run("git", { ...wish, force: true });
    expect(bench.read("out/file")).toBe("one");
    bench.write("repo/.git/description", "x");
    await expect(bench.run("git", { ...wish, path: "/usr" })).rejects.toThrow("no git checkout, and not empty");
  });

  test("no address becomes an option or a program, and nobody is asked for a password", async () => {
    for (const repo of ["--upload-pack=touch /tmp/evil", "ext::sh -c touch% /tmp/evil", "-x", "a\nb"])
      await expect(bench.run("git", { repo, path: "/x" })).rejects.toThrow("must be an address of a repository");
    await expect(bench.run("git", { repo: "/x", path: "/x", ref: "--exec=x" })).rejects.toThrow("must be a branch");
    const missing = bench.run("git", { repo: bench.path("no-repo"), path: bench.path("x") });
    await expect(missing).rejects.toThrow(/git ls-remote failed/);
    const wish = { repo: makeRepository(), path: bench.path("out"), credential: "deploy" };
    await expect(bench.run("git", wish)).rejects.toThrow(/no credential deploy: write .*deploy.yaml/);
    bench.write("deploy.yaml", "username: u\npassword: p-of-test\n", 0o644);
    await expect(bench.run("git", wish)).rejects.toThrow("others can read");
    bench.write("other.yaml", "username: u\npasword: secret-of-test\n", 0o600);
    const refused = bench.run("git", { ...wish, credential: "other" });
    await expect(refused).rejects.toThrow(/cannot be used: unknown key pasword$/);
  });
});

describe("cron", () => {
  test("writes an entry of its own, with percent signs that cron does not read, and removes it", async () => {
    const wish = {
      name: "clean-up",
      schedule: "*/5 2 * * mon-fri",
      user: "app",
      command: 'date +%F >>"$LOG"',
      env: { LOG: "/var/log/a b" },
      directory: bench.folder,
    };
    expect(await bench.check("cron", wish)).toMatchObject({ changed: true });
    expect(bench.names()).toEqual([]);
    expect(await bench.run("cron", wish)).toMatchObject({ changed: true });
    expect(bench.read("clean-up")).toBe(
      '# Kept by OpsConductor; changes are overwritten.\nLOG="/var/log/a b"\n*/5 2 * * mon-fri app date +\\%F >>"$LOG"\n',
    );
    expect(statSync(bench.path("clean-up")).mode & 0o777).toBe(0o644);
    expect(await bench.run("cron", wish)).toMatchObject({ changed: false });
    expect(await bench.run("cron", { ...wish, state: "absent" })).toMatchObject({ changed: true });
    expect(await bench.run("cron", { ...wish, state: "absent" })).toMatchObject({ changed: false });
  });

  test.each([
    [{ name: "../evil" }, "letters"],
    [{ schedule: "* * * *" }, "five fields"],
    [{ schedule: "* * * * *\n* * * * * root evil" }, "five fields"],
    [{ command: "a\n* * * * * root evil" }, "one line"],
    [{ env: { A: "1\nB=2" } }, "one line"],
    [{ command: undefined }, "needs schedule and command"],
  ])("%j is refused", async (change, message) => {
    const wish = { name: "n", schedule: "@daily", command: "true", directory: bench.folder, ...change };
    await expect(bench.run("cron", wish)).rejects.toThrow(message);
  });
});

test.each([
  ["package", { names: ["-o=evil"] }],
  ["package", { names: ["a b"] }],
  ["package", { names: ["a;b"] }],
  ["service", { name: "--force", state: "started" }],
  ["user", { name: "-r" }],
  ["user", { name: "x", comment: "a:b" }],
] as const)("%s refuses names that a program could take for something else: %j", async (uses, wish) => {
  await expect(bench.run(uses, wish)).rejects.toThrow(/must/);
});

test("a host that refuses to restart says why, and nothing is left that would take a later restart for this one", async () => {
  for (const name of ["reboot", "systemctl"])
    bench.write(name, "#!/bin/sh\necho Call to Reboot failed: Access denied >&2; exit 1\n", 0o755);
  bench.environment = { PATH: `${bench.folder}:${process.env.PATH}` };
  await expect(bench.run("reboot", {})).rejects.toThrow(
    "the host refused to restart: Call to Reboot failed: Access denied",
  );
  expect(existsSync(join(bench.tryFolder, "reboot"))).toBe(false);
  // Ended by the restart itself: it may have been asked for.
  for (const name of ["reboot", "systemctl"]) bench.write(name, "#!/bin/sh\nkill -TERM $$\n", 0o755);
  await expect(bench.run("reboot", { timeout: "1s" })).rejects.toThrow("has not gone down within 1s");
  expect(existsSync(join(bench.tryFolder, "reboot"))).toBe(true);
});
