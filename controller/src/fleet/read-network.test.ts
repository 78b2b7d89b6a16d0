import { expect, test } from "vitest";
import { readNetwork } from "./read-network.ts";

test.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["10.1.2.3", "10.1.2.3/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:db8::/32", "2001:db8::/32"],
  ["2001:DB8::1", "2001:DB8::1/128"],
  ["::/0", "::/0"],
  ["::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104"],
])("%s is the network %s", (text, network) => {
  expect(readNetwork(text)).toBe(network);
});

test.each([
  "",
  "10.0.0.1/8",
  "10.0.0.0/33",
  "10.0.0.0/8/9",
  "10.0.0.0/",
  "300.0.0.0/8",
  "2001:db8::1/32",
  "2001:db8::/129",
  "fe80::%eth0/64",
  "::ffff:10.0.0.1/104",
  "10.0.0.0/8\u0000",
])("%s is none", (text) => {
  expect(readNetwork(text)).toBeUndefined();
});
