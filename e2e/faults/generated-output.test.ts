import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { generateOutput, outputKinds, outputSeed } from "./generated-output.ts";
import { stepProgram } from "./job-document.ts";
import { readLedger } from "./ledger.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-"));
afterAll(() => rmSync(folder, { recursive: true }));

function runStep(kind: string, bytes: number, name: string) {
  const ledger = join(folder, name);
  const environment = { OC_IDEMPOTENCY_KEY: "a1/work", OC_EXECUTION_ID: "e1", OC_STEP_ID: "work", OC_TARGET_NAME: "t" };
  const numbers = { OC_ATTEMPT: "1", OC_FENCE: "1099511627777", OC_TRY: "2", INPUT_SEED: "s" };
  const args = [stepProgram, ledger, String(bytes), kind, "3", "0", "1"];
  const output = execFileSync("perl", args, {
    env: { ...process.env, ...environment, ...numbers },
    maxBuffer: 2 ** 24,
  });
  return { output, entries: readLedger(ledger) };
}

test.each(outputKinds)("a step prints %s as it can be made again, and says so in its ledger", (kind) => {
  const bytes = 200_001;
  const { output, entries } = runStep(kind, bytes, kind);
  const expected = generateOutput(outputSeed({ seed: "s", stepId: "work", target: "t", try: 2 }), kind, bytes);
  expect(output.equals(expected)).toBe(true);
  const who = {
    execution: "e1",
    assignment: "a1",
    step: "work",
    target: "t",
    attempt: 1,
    fence: 1099511627777n,
    try: 2,
  };
  const sha256 = createHash("sha256").update(expected).digest("hex");
  expect(entries).toMatchObject([
    { kind: "start", ...who },
    { kind: "end", ...who, exit: 0, signal: "-", bytes, sha256 },
  ]);
});

test("binary output holds what is hard to carry: NUL, CR LF, bytes that are not UTF-8", () => {
  const bytes = generateOutput("any", "binary", 1_000_000);
  expect(bytes.includes(0)).toBe(true);
  expect(bytes.includes("\r\n")).toBe(true);
  expect(bytes.toString("utf8")).toContain("\ufffd");
});
