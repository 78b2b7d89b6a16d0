import { describe, expect, test } from "vitest";
import { apk } from "./apk.ts";
import { dnf } from "./dnf.ts";
import type { ProgramEnd, Programs } from "./run-program.ts";
import { zypper } from "./zypper.ts";

// What these programs really said, in the room of package.tools.test.ts; here so that it is read on every machine.

/** Answers `program arguments` with what was recorded; asks for anything else fail. */
function recorded(answers: Record<string, Partial<ProgramEnd>>) {
  const asked: string[] = [];
  const run = (program: string, args: readonly string[]) => {
    const line = [program, ...args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");
    asked.push(line);
    const answer = Object.hasOwn(answers, line) ? answers[line] : { code: 99, stderr: `not recorded: ${line}` };
    return Promise.resolve({ code: 0, stdout: "", stderr: "", ...answer });
  };
  return { asked, programs: { run } as unknown as Programs };
}

const format = "%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\n";

describe("dnf 4.14", () => {
  const rule = "=".repeat(80);
  const table = (rows: string) => `Last metadata expiration check: 0:00:03 ago on Mon Nov 23 17:52:17 2026.
Dependencies resolved.
${rule}
 Package            Architecture       Version             Repository      Size
${rule}
${rows}
Transaction Summary
${rule}
`;

  test("an installation is told with what it brings along", async () => {
    const { programs } = recorded({
      "dnf --assumeno install oc-app 'oc-other = 1.0'": {
        code: 1,
        stdout: table(`Installing:
 oc-app             noarch             1.1-1               oc             6.0 k
 a-package-with-a-very-long-name-indeed
                    x86_64             2:3.4~rc1-5.el9     updates        1.2 M
Installing dependencies:
 oc-lib             noarch             1.0-1               oc             6.0 k
Downgrading:
 oc-other           noarch             1.0-1               oc             4
`),
        stderr: "Operation aborted.\n",
      },
      [`rpm -q --qf ${format} -- oc-other`]: { stdout: "oc-other\t(none)\t2.0\t1\n" },
    });
    const told = await dnf(programs, "dnf").simulate({ verb: "install", names: ["oc-app", "oc-other=1.0"] });
    expect(told).toEqual([
      "install oc-app 1.1-1",
      "install a-package-with-a-very-long-name-indeed 2:3.4~rc1-5.el9",
      "install oc-lib 1.0-1",
      "downgrade oc-other 2.0-1 to 1.0-1",
    ]);
  });

  test("a removal is told with what needs it, an upgrade with the version before; dnf 5 says what it replaces", async () => {
    const { programs } = recorded({
      "dnf --assumeno remove oc-lib": {
        code: 1,
        stdout: table(`Removing:
 oc-lib             noarch             1.0-1              @oc               4
Removing dependent packages:
 oc-app             noarch             1.0-1              @oc               4
`),
        stderr: "Operation aborted.\n",
      },
      "dnf --assumeno upgrade": {
        code: 1,
        stdout: table(`Upgrading:
 oc-app             noarch             0:1.1-1             oc           6.0 KiB
   replacing oc-app noarch             0:1.0-1             oc           6.0 KiB
`),
        stderr: "Operation aborted by the user.\n",
      },
      [`rpm -q --qf ${format} -- oc-app`]: { stdout: "oc-app\t(none)\t1.0\t1\n" },
    });
    const manager = dnf(programs, "dnf");
    expect(await manager.simulate({ verb: "remove", names: ["oc-lib"] })).toEqual(["remove oc-lib", "remove oc-app"]);
    expect(await manager.simulate({ verb: "upgradeAll" })).toEqual(["upgrade oc-app 1.0-1 to 1.1-1"]);
  });

  test("nothing to do is nothing, and what cannot be done fails with its reason", async () => {
    const { programs } = recorded({
      "dnf --assumeno install oc-app": { stdout: "Dependencies resolved.\nNothing to do.\nComplete!\n" },
      "dnf --assumeno install oc-nothing": {
        code: 1,
        stdout: "No match for argument: oc-nothing\n",
        stderr: "Error: Unable to find a match: oc-nothing\n",
      },
    });
    const manager = dnf(programs, "dnf");
    expect(await manager.simulate({ verb: "install", names: ["oc-app"] })).toEqual([]);
    await expect(manager.simulate({ verb: "install", names: ["oc-nothing"] })).rejects.toThrow(
      "dnf install failed (1): Error: Unable to find a match: oc-nothing",
    );
  });

  test("a version counts with or without its release and epoch", async () => {
    const row = { stdout: "oc-app\t2\t1.0\t1\n" };
    const { programs } = recorded({
      [`rpm -q --qf ${format} --whatprovides -- oc-app`]: row,
      [`rpm -q --qf ${format} --whatprovides -- oc-none`]: { code: 1, stdout: "no package provides oc-none\n" },
    });
    const wanted = ["oc-app", "oc-app=1.0", "oc-app=2:1.0-1", "oc-app=1.1", "oc-none"];
    expect([...(await dnf(programs, "dnf").installed(wanted))]).toEqual(wanted.slice(0, 3));
  });
});

describe("zypper 1.14", () => {
  const dryRun = "zypper --non-interactive --no-refresh --xmlout";
  const stream = (content: string) => `<?xml version='1.0'?>\n<stream>\n${content}\n</stream>\n`;

  test("what it would do is read from its XML", async () => {
    const { programs } = recorded({
      [`${dryRun} install --dry-run --auto-agree-with-licenses -- oc-app`]: {
        stdout: stream(`<install-summary download-size="12266" space-usage-diff="8" packages-to-change="2">
<to-install>
<solvable type="package" name="oc-lib" edition="1.0-1" arch="noarch" summary="a &lt;test&gt;">
<description>test</description></solvable>
</to-install>
<to-upgrade>
<solvable type="package" name="oc-app" edition="1.1-1" arch="noarch" edition-old="1.0-1" arch-old="noarch" summary="x">
<description>test</description></solvable>
</to-upgrade>
<to-remove>
<solvable type="package" name="oc-old" edition="1.0-1" arch="noarch" summary="x">
<description>test</description></solvable>
</to-remove>
</install-summary>`),
      },
    });
    const told = await zypper(programs).simulate({ verb: "install", names: ["oc-app"] });
    expect(told).toEqual(["install oc-lib 1.0-1", "upgrade oc-app 1.0-1 to 1.1-1", "remove oc-old"]);
  });

  test("a lock and an unknown name fail with its words, although the first of them ends with 0", async () => {
    const { programs } = recorded({
      [`${dryRun} update --dry-run --auto-agree-with-licenses -- oc-app`]: {
        stdout: stream(`<prompt id="1">
<description>Problem: conflicting requests
 Solution 1: Following actions will be done:
  remove lock to allow installation of oc-app-1.1-1.noarch[oc]
</description>
<text>Choose from above solutions by number or cancel</text>
</prompt>`),
      },
      [`${dryRun} install --dry-run --auto-agree-with-licenses -- oc-nothing`]: {
        code: 104,
        stdout: stream(`<message type="error">No provider of &apos;oc-nothing&apos; found.</message>`),
      },
    });
    const manager = zypper(programs);
    await expect(manager.simulate({ verb: "upgrade", names: ["oc-app"] })).rejects.toThrow(
      "zypper update failed: Problem: conflicting requests; Solution 1",
    );
    await expect(manager.simulate({ verb: "install", names: ["oc-nothing"] })).rejects.toThrow(
      "zypper install failed (104): No provider of 'oc-nothing' found.",
    );
  });

  test("that something is to be restarted afterwards is a success", async () => {
    const { programs, asked } = recorded({
      "zypper --non-interactive update --auto-agree-with-licenses": { code: 102 },
      "zypper --non-interactive remove -- oc-app": { code: 8, stderr: "no space\n" },
    });
    await zypper(programs).perform({ verb: "upgradeAll" }, () => {});
    expect(asked).toHaveLength(1);
    await expect(zypper(programs).perform({ verb: "remove", names: ["oc-app"] }, () => {})).rejects.toThrow(
      "zypper remove failed (8): no space",
    );
  });
});

describe("apk 2.14", () => {
  const common = "apk --no-progress --wait 600";

  test("what it would do is read from its lines", async () => {
    const { programs } = recorded({
      [`${common} --simulate add --upgrade oc-app`]: {
        stdout:
          "(1/2) Installing oc-lib (1.0-r0)\n(2/2) Upgrading oc-app (1.0-r0 -> 1.1-r0)\nOK: 0 MiB in 2 packages\n",
      },
      [`${common} --simulate del oc-app`]: { stdout: "(1/1) Purging oc-app (1.1-r0)\nOK: 0 MiB in 0 packages\n" },
    });
    const manager = apk(programs);
    expect(await manager.simulate({ verb: "install", names: ["oc-app"] })).toEqual([
      "install oc-lib 1.0-r0",
      "upgrade oc-app 1.0-r0 to 1.1-r0",
    ]);
    expect(await manager.simulate({ verb: "remove", names: ["oc-app"] })).toEqual(["remove oc-app"]);
  });

  test("what others need does not go, and that is no success although it says OK", async () => {
    const { programs } = recorded({
      [`${common} --simulate del oc-lib`]: {
        stdout:
          "World updated, but the following packages are not removed due to:\n  oc-lib: oc-app\n\nOK: 0 MiB in 2 packages\n",
      },
    });
    await expect(apk(programs).simulate({ verb: "remove", names: ["oc-lib"] })).rejects.toThrow(
      "others need it: oc-lib: oc-app",
    );
  });
});
