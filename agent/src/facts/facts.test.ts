import os from "node:os";
import { expect, test } from "vitest";
import { createFactCollector } from "./collect-facts.ts";
import { parseApkVersion, parseAptSimulation, parseDnfCheck, parseMounts, parseOsRelease } from "./parse-facts.ts";
import { createVitals } from "./vitals.ts";

test("os-release is read with and without quotes", () => {
  const text =
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n# comment\nHOME_URL=\'https://x\'\nODD="a \\"b\\" \\$c"\n';
  expect(parseOsRelease(text)).toEqual({
    PRETTY_NAME: "Debian GNU/Linux 12 (bookworm)",
    ID: "debian",
    HOME_URL: "https://x",
    ODD: 'a "b" $c',
  });
});

test("mounts list each real device once, with spaces in the path", () => {
  const text = [
    "proc /proc proc rw 0 0",
    "/dev/vda1 / ext4 rw 0 0",
    "/dev/vda1 /var/lib/x ext4 rw 0 0",
    "/dev/loop3 /snap/core squashfs ro 0 0",
    "nas:/data /mnt/my\\040share nfs4 rw 0 0",
    "tmpfs /run tmpfs rw 0 0",
  ].join("\n");
  expect(parseMounts(text)).toEqual([
    { device: "/dev/vda1", mount: "/", type: "ext4" },
    { device: "nas:/data", mount: "/mnt/my share", type: "nfs4" },
  ]);
});

test("waiting updates are read from apt, dnf and apk", () => {
  const apt =
    "Reading package lists...\nInst libssl3 [3.0.15] (3.0.17 Debian-Security:12/stable-security [amd64])\nInst curl [7.88.1-10] (7.88.1-12 Debian:12/stable [amd64])\nConf libssl3 (3.0.17)\n";
  expect(parseAptSimulation(apt)).toEqual({ names: ["libssl3", "curl"], security: 1 });
  const dnf =
    "\nbash.x86_64     5.2.26-4.el9     baseos\nkernel.x86_64   5.14.0-1   baseos\nObsoleting Packages\nold.noarch 1 baseos\n";
  expect(parseDnfCheck(dnf).names).toEqual(["bash", "kernel"]);
  expect(
    parseApkVersion("Installed:   Available:\nbusybox-1.36.1-r2  < 1.36.1-r5\nlib-foo2-2.0-r0 < 2.1-r0\n").names,
  ).toEqual(["busybox", "lib-foo2"]);
});

test("the facts of this machine are plain JSON with what selectors use, and nothing failed", async () => {
  const facts = await createFactCollector()();
  expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  expect(facts).toMatchObject({
    os: { family: process.platform === "win32" ? "windows" : process.platform },
    cpu: { count: os.cpus().length },
    memory: { totalBytes: os.totalmem() },
    network: { hostname: os.hostname() },
  });
  expect((facts.disks as { mount: string }[]).map((disk) => disk.mount)).toContain("/");
  expect(facts.errors).toBeUndefined();
});

test("vitals measure the CPU between two calls", () => {
  const vitals = createVitals();
  const until = performance.now() + 120;
  while (performance.now() < until) Math.sqrt(Math.random());
  const { cpuFraction, memoryUsedBytes, memoryTotalBytes } = vitals();
  // One busy thread is a share of all cores; half of it leaves room for coarse tick counting.
  expect(cpuFraction).toBeGreaterThan(0.5 / os.cpus().length);
  expect(cpuFraction).toBeLessThanOrEqual(1);
  expect(memoryUsedBytes).toBeGreaterThan(0);
  expect(memoryUsedBytes).toBeLessThan(memoryTotalBytes);
});
