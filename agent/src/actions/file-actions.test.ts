import { mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Made } from "./made-before.ts";
import { ActionBench } from "./testing/action-bench.ts";

let bench: ActionBench;
beforeEach(() => {
  bench = new ActionBench();
});
afterEach(() => bench.close());

const awkward = "a 'b' \"c\" $(touch /tmp/evil) `id` \\n {{ x }} ${{ y }}\nläst\r\n\u0007";
const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe("file", () => {
  test("writes awkward content byte for byte, and a repetition changes nothing", async () => {
    const wish = { path: bench.path("f"), content: awkward, mode: "0600" };
    const first = await bench.run("file", wish);
    expect(first).toMatchObject({ changed: true, message: `create ${wish.path}` });
    expect(bench.read("f")).toBe(awkward);
    expect(mode(wish.path)).toBe("600");
    const again = await bench.run("file", wish);
    expect(again).toMatchObject({ changed: false, outputs: first.outputs, log: "" });
    expect(bench.names()).toEqual(["f"]);
  });

  test("in check mode tells the change with its diff, and touches nothing", async () => {
    bench.write("f", "one\ntwo\n");
    const before = statSync(bench.path("f"), { bigint: true });
    const told = await bench.check("file", { path: bench.path("f"), content: "one\n2\n", mode: "0640" });
    expect(told).toMatchObject({
      changed: true,
      message: expect.stringMatching(/^would change: .*content.*; .*0644 to 0640/),
    });
    expect(told.log).toContain("-two\n+2");
    const after = statSync(bench.path("f"), { bigint: true });
    expect([after.mtimeNs, after.ino, after.mode]).toEqual([before.mtimeNs, before.ino, before.mode]);
    expect(bench.names()).toEqual(["f"]);
  });

  test("keeps mode and what was there when asked, and hides a secret's diff", async () => {
    bench.write("f", "old secret", 0o640);
    const wish = { path: bench.path("f"), content: "new secret", backup: true, diff: false };
    const { outputs, log } = await bench.run("file", wish);
    expect(readFileSync(outputs.backup!, "utf8")).toBe("old secret");
    expect([mode(outputs.backup!), mode(wish.path)]).toEqual(["640", "640"]);
    expect(log).not.toContain("secret");
  });

  test("follows a symbolic link, and leaves the link a link", async () => {
    bench.write("real", "old");
    symlinkSync("real", bench.path("link"));
    await bench.run("file", { path: bench.path("link"), content: "new" });
    expect([bench.read("real"), readlinkSync(bench.path("link"))]).toEqual(["new", "real"]);
    symlinkSync("loop", bench.path("loop"));
    await expect(bench.run("file", { path: bench.path("loop"), content: "x" })).rejects.toThrow("leads to itself");
  });

  test("absent removes a file once, a link without what it names, and no directory", async () => {
    bench.write("f", "x");
    symlinkSync("f", bench.path("link"));
    expect(await bench.check("file", { path: bench.path("link"), state: "absent" })).toMatchObject({ changed: true });
    expect(await bench.run("file", { path: bench.path("link"), state: "absent" })).toMatchObject({ changed: true });
    expect(await bench.run("file", { path: bench.path("link"), state: "absent" })).toMatchObject({ changed: false });
    expect(bench.names()).toEqual(["f"]);
    await expect(bench.run("file", { path: bench.folder, state: "absent" })).rejects.toThrow("is a directory");
  });

  test("in a check the directory may be what a step before would make, and that is said", async () => {
    const wish = { path: bench.path("no/f"), content: "x" };
    const message = `would change: create ${wish.path}, when a step before has made its directory ${bench.path("no")}`;
    expect(await bench.check("file", wish)).toMatchObject({ changed: true, message });
    expect(await bench.check("template", { path: wish.path, template: "x" })).toMatchObject({ changed: true, message });
    expect(bench.names()).toEqual([]);
  });

  test("says what to do about missing parents, directories and unknown owners", async () => {
    const at = (name: string) => ({ path: bench.path(name), content: "x" });
    await expect(bench.run("file", at("no/such/f"))).rejects.toThrow("make it with the action directory before");
    mkdirSync(bench.path("d"));
    await expect(bench.run("file", at("d"))).rejects.toThrow("is a directory: it is left alone");
    bench.write("f", "");
    await expect(bench.run("file", at("f/g"))).rejects.toThrow(/is not a directory|a part of .* is a file/);
    await expect(bench.run("file", { ...at("h"), owner: "no-such-user" })).rejects.toThrow("no user no-such-user");
    expect(bench.names()).toEqual(["d", "f"]);
  });

  test("of twenty writers at once each leaves a whole file or says that another was faster", async () => {
    bench.write("f", "start");
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000));
    const ends = await Promise.allSettled(
      contents.map((content) => bench.run("file", { path: bench.path("f"), content })),
    );
    expect(contents).toContain(bench.read("f"));
    for (const end of ends)
      if (end.status === "rejected") expect(String(end.reason)).toContain("changed by somebody else meanwhile");
    expect(ends.some((end) => end.status === "fulfilled")).toBe(true);
    expect(bench.names()).toEqual(["f"]);
  });
});

describe("directory", () => {
  test("is made with its parents, repeated without a change, and removed only when it is empty or told", async () => {
    const wish = { path: bench.path("a/b c"), mode: "0750" };
    expect(await bench.check("directory", wish)).toMatchObject({ changed: true });
    expect(bench.names()).toEqual([]);
    expect(await bench.run("directory", wish)).toMatchObject({ changed: true });
    expect(await bench.run("directory", wish)).toMatchObject({ changed: false });
    expect(mode(wish.path)).toBe("750");
    writeFileSync(`${wish.path}/f`, "");
    const gone = { path: bench.path("a"), state: "absent" };
    await expect(bench.run("directory", gone)).rejects.toThrow("is not empty");
    expect(await bench.run("directory", { ...gone, recursive: true })).toMatchObject({ changed: true });
    expect(await bench.run("directory", gone)).toMatchObject({ changed: false });
  });

  test("the root directory is never removed, however it is written", async () => {
    for (const path of ["/", "//", "/./", "/."])
      await expect(bench.check("directory", { path, state: "absent", recursive: true })).rejects.toThrow();
  });
});

describe("template", () => {
  test("fills values, repeats lists and shows sections; a value is never a template again", async () => {
    const template =
      "name = {{ name }}\n{{#peers}}\npeer {{ . }}\n{{/peers}}\n{{^off}}on{{/off}}{{#db}} {{ host }}:{{port}}{{/db}}\n";
    const values = { name: "{{ peers }} $(id) ${x}", peers: ["a", "b"], off: false, db: { host: "h", port: 5 } };
    const wish = { path: bench.path("conf"), template, values };
    expect(await bench.run("template", wish)).toMatchObject({ changed: true });
    expect(bench.read("conf")).toBe("name = {{ peers }} $(id) ${x}\npeer a\npeer b\non h:5\n");
    expect(await bench.run("template", wish)).toMatchObject({ changed: false });
  });

  test.each([
    ["{{ missing }}", "line 1: there is no value for missing"],
    ["\n{{ constructor }}", "line 2: there is no value for constructor"],
    ["{{ a.constructor }}", "there is no value for a.constructor"],
    ["{{ list.length }}", "there is no value for list.length"],
    ["{{ __proto__ }}", "there is no value for __proto__"],
    ["{{ list }}", "list is a list or a mapping"],
  ])("%j runs nothing and is refused", async (template, message) => {
    const wish = { path: bench.path("x"), template, values: { a: "text", list: ["x"] } };
    await expect(bench.run("template", wish)).rejects.toThrow(message);
    expect(bench.names()).toEqual([]);
  });

  test.each(["{{ process.exit() }}", "{{= <% %> =}}", "{{> /etc/passwd }}", "{{{ raw }}}", "{{#a}}", "{{/a}}"])(
    "%j is refused when the job is saved",
    async (template) => {
      await expect(bench.run("template", { path: "/x", template })).rejects.toThrow(/known|closed|closes/);
    },
  );
});

describe("line-in-file", () => {
  const text = "# PermitRootLogin yes\nPort 22\nPermitRootLogin yes\n";

  test("replaces the last line that matches, adds what is missing, and repeats without a change", async () => {
    const path = bench.write("f", text);
    const wish = { path, match: "^#?\\s*PermitRootLogin ", line: "PermitRootLogin no" };
    expect(await bench.check("line-in-file", wish)).toMatchObject({ changed: true });
    expect(bench.read("f")).toBe(text);
    expect(await bench.run("line-in-file", wish)).toMatchObject({ changed: true });
    expect(bench.read("f")).toBe("# PermitRootLogin yes\nPort 22\nPermitRootLogin no\n");
    expect(await bench.run("line-in-file", wish)).toMatchObject({ changed: false });
    await bench.run("line-in-file", { path, after: "^Port", line: "Banner $(x) '" });
    expect(bench.read("f").split("\n")[2]).toBe("Banner $(x) '");
    expect(await bench.run("line-in-file", { path, after: "^Port", line: "Banner $(x) '" })).toMatchObject({
      changed: false,
    });
  });

  test("a line that its own pattern does not fit is replaced once, not at every repetition", async () => {
    const path = bench.write("f", "old=1\nold=2\n");
    const wish = { path, match: "^old=", line: "new=3" };
    await bench.run("line-in-file", wish);
    expect(await bench.run("line-in-file", wish)).toMatchObject({ changed: false });
    expect(bench.read("f")).toBe("old=1\nnew=3\n");
  });

  test("keeps line ends, removes all matches, and asks before it makes a file", async () => {
    const path = bench.write("dos", "a\r\nb\r\nab\r\n");
    await bench.run("line-in-file", { path, state: "absent", match: "a" });
    expect(bench.read("dos")).toBe("b\r\n");
    const missing = { path: bench.path("none"), line: "x" };
    await expect(bench.run("line-in-file", missing)).rejects.toThrow("create: true");
    expect(await bench.run("line-in-file", { ...missing, state: "absent" })).toMatchObject({ changed: false });
    await bench.run("line-in-file", { ...missing, create: true });
    expect(bench.read("none")).toBe("x\n");
    bench.write("binary", Buffer.from([0xff, 0xfe, 0x0a]));
    await expect(bench.run("line-in-file", { path: bench.path("binary"), line: "x" })).rejects.toThrow("not UTF-8");
  });
});

describe("copy", () => {
  test("copies content and mode once, and refuses what has another checksum", async () => {
    const from = bench.write("from", Buffer.from([0, 1, 2, 255]), 0o755);
    const wish = { from, path: bench.path("to") };
    expect(await bench.run("copy", wish)).toMatchObject({ changed: true });
    expect(await bench.run("copy", wish)).toMatchObject({ changed: false });
    expect(mode(wish.path)).toBe("755");
    const wrong = { from, path: bench.path("other"), sha256: "0".repeat(64) };
    await expect(bench.run("copy", wrong)).rejects.toThrow("nothing was copied");
    await expect(bench.run("copy", { from: bench.path("none"), path: bench.path("x") })).rejects.toThrow(
      "is not there",
    );
    expect(bench.names()).toEqual(["from", "to"]);
  });
});

describe("archive", () => {
  test("a check goes on where a step before would make what is packed or unpacked, or the directory", async () => {
    const [archive, source] = [bench.path("a.tar.gz"), bench.path("source")];
    const told = async (wish: object, made: Made[]) =>
      (await bench.check("archive", { archive, ...wish }, made)).message;
    await expect(told({ from: [source] }, [])).rejects.toThrow("source is not there, so it cannot be packed");
    expect(await told({ from: [source] }, [{ kind: "folder", name: source }])).toMatch(
      /pack .*, when a step before has made/,
    );
    await expect(told({ to: source }, [])).rejects.toThrow("cannot be unpacked");
    expect(await told({ to: source }, [{ kind: "file", name: archive }])).toMatch(
      /unpack .*, when a step before has made/,
    );
    bench.write("source", "x");
    const elsewhere = { archive: bench.path("no/a.tar.gz"), from: [source] };
    expect(await told(elsewhere, [])).toMatch(/create .*when a step before has made its directory/);
    await expect(bench.run("archive", elsewhere)).rejects.toThrow("make it with the action directory before");
  });

  test("packs and unpacks, and repeats both without a change", async () => {
    mkdirSync(bench.path("src"));
    bench.write("src/-a b'$(x)", "1");
    bench.write("src/z", "2", 0o600);
    const packed = { archive: bench.path("a.tar.gz"), from: [bench.path("src")] };
    expect(await bench.check("archive", packed)).toMatchObject({ changed: true });
    expect(bench.names()).toEqual(["src"]);
    expect(await bench.run("archive", packed)).toMatchObject({ changed: true });
    expect(await bench.run("archive", packed)).toMatchObject({ changed: false });
    const depth = bench.folder.split("/").filter(Boolean).length;
    const unpacked = { archive: packed.archive, to: bench.path("out"), strip: depth + 1 };
    expect(await bench.check("archive", unpacked)).toMatchObject({ changed: true });
    expect(bench.names()).toEqual(["a.tar.gz", "src"]);
    expect(await bench.run("archive", unpacked)).toMatchObject({ changed: true });
    expect([bench.read("out/-a b'$(x)"), mode(bench.path("out/z"))]).toEqual(["1", "600"]);
    expect(await bench.run("archive", unpacked)).toMatchObject({ changed: false });
    bench.write("out/z", "changed");
    expect(await bench.run("archive", unpacked)).toMatchObject({ changed: true });
    expect(bench.read("out/z")).toBe("2");
  });

  test("an archive that would leave its folder, is broken, or is another one is refused", async () => {
    const { execFileSync } = await import("node:child_process");
    bench.write("evil", "x");
    execFileSync("tar", ["-cPf", bench.path("evil.tar"), "--transform", "s,.*,../../evil,", bench.path("evil")]);
    const to = bench.path("out");
    await expect(bench.run("archive", { archive: bench.path("evil.tar"), to })).rejects.toThrow(/would leave/);
    bench.write("bad.tar.gz", "no archive");
    await expect(bench.run("archive", { archive: bench.path("bad.tar.gz"), to })).rejects.toThrow(/tar .*failed/);
    const other = { archive: bench.path("evil.tar"), to, sha256: "0".repeat(64) };
    await expect(bench.run("archive", other)).rejects.toThrow("nothing was unpacked");
    expect(bench.names()).toEqual(["bad.tar.gz", "evil", "evil.tar"]);
  });
});
