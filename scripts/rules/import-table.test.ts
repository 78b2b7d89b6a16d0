import { describe, expect, it } from "vitest";
import { violationsOf } from "./import-table.ts";
import { readSourceFile } from "./source-file.ts";
import { repositorySources } from "./tree.ts";

const rulesBrokenBy = (path: string, text: string) => violationsOf(readSourceFile(path, text)).map((v) => v.rule);

describe("the tree", () => {
  const sources = repositorySources();

  it("has sources to look at in every folder of the table", () => {
    for (const folder of ["proto", "contract", "database", "controller", "agent", "scripts"])
      expect(sources.filter((file) => file.path.startsWith(`${folder}/`))).not.toHaveLength(0);
  });

  it("keeps to the import table", () => {
    expect(sources.flatMap(violationsOf).map((v) => `${v.path}: ${v.rule}`)).toEqual([]);
  });

  it("names its files in kebab-case", () => {
    const odd = sources.map((file) => file.path).filter((path) => !isKebab(path) && !path.startsWith("ui/src/routes/"));
    expect(odd).toEqual([]);
  });

  it("keeps files readable: warns past 350 lines, refuses past 600", () => {
    const handWritten = sources.filter((file) => !file.isGenerated);
    for (const { path, lines } of handWritten) if (lines > 350) console.warn(`${path} has ${lines} lines`);
    expect(handWritten.filter((file) => file.lines > 600).map((file) => file.path)).toEqual([]);
  });
});

describe("a planted violation is found", () => {
  it.each([
    ["controller/src/assets/find-target.ts", 'import { app } from "../http/app.ts";', /does not know how requests/],
    [
      "controller/src/assets/find-target.ts",
      'import type { App } from "../http/app.ts";',
      /does not know how requests/,
    ],
    ["controller/src/assets/find-target.ts", 'const app = await import("../grpc/status.ts");', /does not know how/],
    ["controller/src/assets/find-target.ts", 'let a: import("../http/app.ts").App;', /does not know how requests/],
    [
      "controller/src/http/routes/jobs.ts",
      'export * from "../../grpc/status.ts"; const a = 1;',
      /do not know each other/,
    ],
    ["controller/src/http/routes/jobs.ts", "await ctx.sql`select 1`;", /contains SQL/],
    ["controller/src/http/routes/jobs.ts", "const { sql } = ctx;", /contains SQL/],
    ["controller/src/grpc/connect.ts", 'tx.unsafe("select id from automation.jobs where id = $1");', /contains SQL/],
    ["controller/src/http/routes/jobs.ts", 'import { a } from "../../automation/job-queries.ts";', /not its queries/],
    ["controller/src/fleet/enroll.ts", 'import "@opsconductor/proto/opsconductor/agent/v1/agent";', /at the border/],
    ["controller/src/fleet/enroll.ts", 'import { x } from "../../../agent/src/main.ts";', /controller may not import/],
    ["controller/src/fleet/enroll.ts", "const home = process.env.HOME;", /only main.ts/],
    ["controller/src/fleet/enroll.ts", 'const home = process["env"].HOME;', /only main.ts/],
    ["agent/src/runner/step.ts", "const { env } = process;", /only main.ts/],
    ["agent/src/runner/step.ts", 'import { job } from "@opsconductor/contract/api/jobs";', /agent may not import/],
    ["agent/src/runner/step.ts", 'import "@opsconductor/proto/opsconductor/agent/v1/agent";', /at the border/],
    ["contract/src/errors.ts", 'import { connect } from "@opsconductor/database/connect";', /contract may not import/],
    ["ui/src/lib/api.ts", 'import { createApp } from "@opsconductor/controller/http/app";', /ui may not import/],
    ["ui/src/lib/page.svelte", '<script lang="ts">import "../../../agent/src/main.ts";</script>', /ui may not import/],
    ["e2e/story.ts", 'import { main } from "../controller/src/main.ts";', /e2e may not import/],
    ["agent/src/runner/choose-next.ts", 'import { readFile } from "../journal/sqlite.ts";', /a pure file/],
    ["agent/src/runner/step.ts", "export default function step() {}", /default export/],
    ["agent/src/runner/all.ts", 'export { a } from "./a.ts";\nexport { b } from "./b.ts";', /barrel/],
    ["agent/src/runner/index.ts", "export const a = 1;", /barrel/],
  ])("%s: %s", (path, text, rule) => {
    expect(rulesBrokenBy(path, text)).toEqual([expect.stringMatching(rule)]);
  });

  it("and what is allowed is not", () => {
    const allowed = [
      [
        "controller/src/automation/run.ts",
        'import { f } from "../assets/resolve-targets.ts"; const q = ctx.sql`select 1`;',
      ],
      ["controller/src/http/routes/jobs.ts", 'import { createJob } from "../../automation/create-job.ts";'],
      [
        "controller/src/grpc/convert.ts",
        'import type { Offer } from "@opsconductor/proto/opsconductor/agent/v1/agent";',
      ],
      [
        "agent/src/runner/plan.ts",
        'import { plan } from "@opsconductor/contract/job/plan"; // process.env in a comment',
      ],
      ["agent/src/main.ts", 'const path = process.env.PATH; const text = "export default";'],
      ["vitest.config.ts", "export default {};"],
    ];
    expect(allowed.flatMap(([path, text]) => rulesBrokenBy(path!, text!))).toEqual([]);
  });
});

function isKebab(path: string): boolean {
  // Svelte components too: one rule for every file. Endings such as `.db.test.ts` and `.svelte.ts` are parts with dots.
  return path.split("/").every((part) => /^\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(part));
}
