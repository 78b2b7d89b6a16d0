import { parseJob } from "@opsconductor/contract/job/parse-job";
import { describe, expect, it } from "vitest";
import { problemsOf } from "./job-problems.ts";

const marked = (text: string) =>
  problemsOf(text, parseJob(text).errors).map(({ from, to, suggestion }) => [text.slice(from, to), suggestion]);

const head = "apiVersion: opsconductor/v1\nkind: Job\nname: x\n";

describe("problems of a definition", () => {
  it("mark the word that is wrong and carry the word that was meant", () => {
    expect(marked(`${head}steps:\n  - rnu: df\n`)).toEqual([["rnu", "run"]]);
    expect(marked(`${head}targets:\n  select: os=linux\n  offline: quue\nsteps:\n  - run: df\n`)).toEqual([
      ["quue", "queue"],
    ]);
  });

  it("mark quoted text and templates whole", () => {
    expect(marked(`${head}timeout: "5 minutes"\nsteps:\n  - run: df\n`)).toEqual([['"5 minutes"', undefined]]);
    const [script] = marked(`${head}steps:\n  - run: echo \${{ inputs.a }} now\n`);
    expect(script?.[0]).toBe("${{ inputs.a }}");
  });

  it("stay inside the text for places that do not exist", () => {
    const error = { path: "", message: "m", line: 99, column: 99 };
    expect(problemsOf("a\nb", [error])).toMatchObject([{ from: 3, to: 3, line: 2, column: 2 }]);
    expect(problemsOf("", [{ path: "", message: "m" }])).toMatchObject([{ from: 0, to: 0, line: 1, column: 1 }]);
    for (const text of ["", "\n", "{", "a: [", "\t- x", "- - -"])
      for (const problem of problemsOf(text, parseJob(text).errors)) {
        expect(problem.from).toBeGreaterThanOrEqual(0);
        expect(problem.to).toBeLessThanOrEqual(text.length);
        expect(problem.from).toBeLessThanOrEqual(problem.to);
      }
  });
});
