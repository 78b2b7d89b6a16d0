import { expect, test } from "vitest";
import { isSameAddress } from "./same-address.ts";

test.each([
  ["https://ops.test:3000/", "https://ops.test:3000", true],
  ["http://127.0.0.1:3000", "http://localhost:3000", true],
  ["http://[::1]:3000", "http://127.0.0.1:3000", true],
  ["http://127.0.0.1:3000", "http://localhost:4000", false],
  ["https://ops.test", "http://ops.test", false],
  ["https://ops.test", "https://10.0.0.1", false],
  ["https://10.0.0.1", "http://127.0.0.1", false],
  ["", "http://localhost:3000", false],
])("hosts are told %s, the browser is at %s: same is %s", (told, here, same) =>
  expect(isSameAddress(told, here)).toBe(same),
);
