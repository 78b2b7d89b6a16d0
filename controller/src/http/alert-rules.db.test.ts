// The alert rules name metrics that exist and pages that explain them: a rule over a name that nobody tells never fires.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerAuditMetrics } from "../communication/audit-metrics.ts";
import { registerFleetMetrics } from "../fleet/fleet-metrics.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { createApp } from "./app.ts";

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");
interface Rule {
  alert: string;
  expr: string;
  annotations: { summary: string; runbook: string };
}
const text = read("deploy/prometheus/alerts.yml");
const field = (rule: string, name: string) => new RegExp(`^ +${name}: "?(.*?)"?$`, "m").exec(rule)?.[1] ?? "";
const rules: Rule[] = text
  .split(/^ {6}- /m)
  .slice(1)
  .map((rule) => ({
    alert: /^alert: (\S+)$/m.exec(rule)![1]!,
    expr: field(rule, "expr"),
    annotations: { summary: field(rule, "summary"), runbook: field(rule, "runbook") },
  }));
const page = read("docs/monitoring.md");

let t: TestContext;
let told: string;
beforeAll(async () => {
  t = await testContext();
  registerFleetMetrics(t.ctx);
  registerAuditMetrics(t.ctx);
  createApp(t.ctx);
  told = await t.ctx.metrics.metrics();
});
afterAll(() => t.close());

describe.each(rules)("$alert", ({ alert, expr, annotations }) => {
  it("asks for metrics, with states, that are told", () => {
    const names = expr.match(/\boc_[a-z_]+/g) ?? [];
    expect(names).not.toEqual([]);
    for (const name of names) expect(told).toMatch(new RegExp(`^# TYPE ${name} `, "m"));
    for (const [, name, label] of expr.matchAll(/(oc_[a-z_]+)\{([^}]*)\}/g))
      expect(told).toContain(`${name}{${label}}`);
  });

  it("is explained, with what to do", () => {
    const [, section = ""] = page.split(`### ${alert}\n`);
    expect(section.split("\n### ")[0]).toMatch(/\n1\. \S/);
    expect(section).toContain(annotations.summary);
    expect(annotations.runbook).toBe(`docs/monitoring.md#${alert.toLowerCase()}`);
  });
});

it("the page explains no alert that does not exist", () => {
  const explained = [...page.matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
  expect(explained).toEqual(rules.map((r) => r.alert));
});
