import { expect, test } from "vitest";
import { agentJson, agentText } from "./agent-text.ts";

test("text of a host is cleaned of what PostgreSQL refuses, and bounded", () => {
  expect(agentText("a\u0000b\ud83dc")).toBe("a\u2400b\ufffdc");
  expect(agentText("x".repeat(5000))).toHaveLength(4000);
  expect(agentText(`${"x".repeat(3998)}😀 and more`).isWellFormed()).toBe(true);
});

test("outputs are an object of strings, or nothing", () => {
  const of = (text: string) => agentJson(Buffer.from(text));
  expect(of('{"a":"1","b":"\\u0000"}')).toEqual({ a: "1", b: "\u2400" });
  expect(of("")).toEqual({});
  for (const wrong of ["[]", "null", '"a"', '{"a":1}', "{", `{"a":"${"x".repeat(2 * 1024 * 1024)}"}`])
    expect(of(wrong)).toBeUndefined();
});
