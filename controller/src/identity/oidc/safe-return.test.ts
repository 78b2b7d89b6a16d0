import { expect, test } from "vitest";
import { safeReturn } from "./safe-return.ts";

test.each(["/", "/jobs/backup?tab=runs#top", "/executions/1", "/me"])("%s is a page to return to", (path) => {
  expect(safeReturn(path)).toBe(path);
});

test.each([
  ...[
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "evil",
    "",
  ],
  ...["/\t/evil.example", "/\n/evil.example", "/ok\r\nSet-Cookie: a=b", "/..//evil.example", "/a/../..//evil.example"],
  ...[
    "/api/v1/auth/oidc/start",
    "/api/v1/auth/oidc/end",
    "/auth/logout",
    `/${"x".repeat(3000)}`,
    "/%00\0",
    "/.//evil.example",
  ],
])("%j is not: it is the start page", (path) => {
  expect(safeReturn(path)).toBe("/");
});
