import { expect, test } from "vitest";
import { addressKind } from "./outbound-address.ts";

test.each([
  ["93.184.216.34", "public"],
  ["2606:2800:220:1:248:1893:25c8:1946", "public"],
  ["127.0.0.1", "inside"],
  ["10.1.2.3", "inside"],
  ["172.31.255.255", "inside"],
  ["172.32.0.1", "public"],
  ["192.168.0.1", "inside"],
  ["100.64.0.1", "inside"],
  ["::1", "inside"],
  ["fd00::1", "inside"],
  ["169.254.169.254", "never"],
  ["0.0.0.0", "never"],
  ["::", "never"],
  ["224.0.0.1", "never"],
  ["255.255.255.255", "never"],
  ["fe80::1", "never"],
  ["fe80::1%eth0", "never"],
  ["ff02::1", "never"],
  ["not an address", "never"],
])("%s is %s", (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});

test.each([
  ["::ffff:127.0.0.1", "inside"],
  ["::ffff:7f00:1", "inside"],
  ["::ffff:169.254.169.254", "never"],
  ["::127.0.0.1", "inside"],
  ["64:ff9b::10.0.0.1", "inside"],
  ["64:ff9b::a9fe:a9fe", "never"],
  ["2002:7f00:1::", "inside"],
  ["2002:a9fe:a9fe::1", "never"],
  ["2002:5db8:d822::1", "public"],
])("%s is what it wraps: %s", (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});
