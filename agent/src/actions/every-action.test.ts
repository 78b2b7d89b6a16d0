import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type ActionName, actionCatalogue, actionNames } from "@opsconductor/contract/job/actions/action-catalogue";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { ActionBench } from "./testing/action-bench.ts";

let bench: ActionBench;
beforeEach(() => {
  bench = new ActionBench();
});
afterEach(() => bench.close());

/** A wish for each action that leaves something in a folder; what it needs is made first. */
const wishes: Partial<Record<ActionName, (name: string) => Record<string, unknown>>> = {
  file: (name) => ({ path: bench.path(name), content: "wanted\n", mode: "0640" }),
  directory: (name) => ({ path: bench.path(name), mode: "0750" }),
  template: (name) => ({ path: bench.path(name), template: "a {{ b }}\n", values: { b: "$(id) {{ c }}" } }),
  "line-in-file": (name) => ({ path: bench.write(name, "one\n"), line: "two", match: "^one$" }),
  copy: (name) => ({ from: bench.write("source", "content"), path: bench.path(name) }),
  archive: (name) => ({ archive: packed(), to: bench.path(name) }),
  cron: () => ({ name: "entry", schedule: "@daily", command: "true", directory: bench.folder }),
  git: (name) => ({ repo: repository(), path: bench.path(name) }),
};
const writing = Object.keys(wishes) as ActionName[];

/** Names that a shell, an option parser or a pattern would take for something else. */
const awkward = ["-rf", "$(touch evil)", "`touch evil`", "a b'\"", "new\nline", "*", "~", "..twice", "é€"];

/** Those that start programs of the host take their time. */
function namesFor(uses: ActionName): readonly string[] {
  if (uses === "cron") return ["entry"];
  return uses === "git" || uses === "archive" ? ["-rf", "new\nline $(touch evil)"] : ["plain", ...awkward];
}

test("each action is loaded by Node as it is, with whatever it imports", () => {
  const { href } = new URL("./load-action.ts", import.meta.url);
  const load = `const { loadAction } = await import("${href}");
    for (const name of ${JSON.stringify(actionNames)}) console.log(name, typeof (await loadAction(name)));`;
  const told = execFileSync(process.execPath, ["--input-type=module", "--eval", load], { encoding: "utf8" });
  expect(told.trim().split("\n")).toEqual(actionNames.map((name) => `${name} function`));
});

test.each(writing)(
  "%s: a check changes nothing, doing it does what was told, and once more changes nothing",
  async (uses) => {
    for (const name of namesFor(uses)) {
      const wish = wishes[uses]!(name);
      const before = snapshot();
      expect(await bench.check(uses, wish), name).toMatchObject({ changed: true });
      expect(snapshot(), name).toEqual(before);
      expect(await bench.run(uses, wish), name).toMatchObject({ changed: true });
      const after = snapshot();
      expect(after, name).not.toEqual(before);
      expect(await bench.check(uses, wish), name).toMatchObject({ changed: false });
      expect(await bench.run(uses, wish), name).toMatchObject({ changed: false });
      expect(snapshot(), name).toEqual(after);
    }
    expect(bench.names()).not.toContain("evil");
  },
);

test.each(writing.filter((uses) => uses !== "cron"))(
  "%s refuses a path with NUL, one that is not absolute, and one that is no path",
  async (uses) => {
    const wish = wishes[uses]!("plain");
    const key = ["path", "to"].find((one) => one in wish)!;
    const before = snapshot();
    for (const path of [`${bench.folder}/a\0b`, "relative", "../up", "", "/".repeat(5000), 7, ["/a"], null])
      await expect(bench.run(uses, { ...wish, [key]: path }), String(path)).rejects.toThrow();
    expect(snapshot()).toEqual(before);
  },
);

test.each(actionNames)("the example of %s is what its parameters allow, and every parameter is described", (uses) => {
  const { example, parameters } = actionCatalogue[uses];
  for (const step of parse(example) as { uses: string; with: Record<string, unknown> }[])
    if (step.uses === uses && !example.includes("${{")) expect(() => parameters.parse(step.with)).not.toThrow();
  for (const [key, schema] of Object.entries(parameters.shape))
    expect(descriptionOf(schema), key).toMatch(/\S.*[.…)]$/s);
});

interface Described {
  description?: string;
  def: { innerType?: Described };
}

function descriptionOf(schema: unknown): string {
  const { description, def } = schema as Described;
  return description ?? (def.innerType === undefined ? "" : descriptionOf(def.innerType));
}

/** Everything below the folder: kind, mode, time, and what is in it. */
function snapshot(folder = bench.folder): unknown[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== ".git")
    .map((entry) => {
      const path = join(folder, entry.name);
      const { mode, mtimeMs } = lstatSync(path);
      if (entry.isDirectory()) return [entry.name, mode, snapshot(path)];
      return [entry.name, mode, mtimeMs, entry.isFile() ? readFileSync(path, "latin1") : "other"];
    });
}

function packed(): string {
  const path = bench.path("packed.tar.gz");
  if (bench.names().includes("packed.tar.gz")) return path;
  mkdirSync(bench.path("content"));
  bench.write("content/file", "in it");
  symlinkSync("file", bench.path("content/link"));
  execFileSync("tar", ["-C", bench.path("content"), "-czf", path, "file", "link"]);
  return path;
}

function repository(): string {
  const path = bench.path("repository");
  if (bench.names().includes("repository")) return path;
  mkdirSync(path);
  bench.write("repository/file", "in it");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", "-C", path, ...args], {
      stdio: "pipe",
    });
  git("init", "-q");
  git("add", "file");
  git("commit", "-q", "-m", "first");
  return path;
}
