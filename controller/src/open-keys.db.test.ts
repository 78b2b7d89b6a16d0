import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestDatabase, testDatabase } from "@opsconductor/database/testing/test-database";
import { v7 } from "uuid";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "./config.ts";
import { openKeys } from "./open-keys.ts";

let db: TestDatabase;
let dataDir: string;
beforeEach(async () => {
  db = await testDatabase();
  dataDir = mkdtempSync(join(tmpdir(), "keys-"));
});
afterEach(() => db.close());

const given = (byte: number) => loadConfig({ ENCRYPTION_KEY: Buffer.alloc(32, byte).toString("base64") });
const none = loadConfig({});
const open = (config = none, dir = dataDir) => openKeys(config, dir, db.sql, () => v7());
const keyFile = () => join(dataDir, "encryption.key");

test("without a key the first start makes one that only its owner can read, and later starts use it", async () => {
  const first = await open();
  expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
  const again = await open();
  expect(again.clusterId).toBe(first.clusterId);
  expect(again.keys.open("a", first.keys.seal("a", Buffer.from("x"))).toString()).toBe("x");
});

test("a given key is used and never written to the disk", async () => {
  await open(given(1));
  expect(existsSync(keyFile())).toBe(false);
  await open(given(1));
});

test("another key than the database's stops the start and names the variable", async () => {
  await open(given(1));
  await expect(open(given(2))).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^ENCRYPTION_KEY is not the key that this database was made with/),
  });
});

test("a database that has a key is never given another one because the file is gone", async () => {
  await open();
  rmSync(keyFile());
  await expect(open()).rejects.toThrow(/ENCRYPTION_KEY is not set and .*encryption.key is not there/);
  expect(existsSync(keyFile())).toBe(false);
});

test("a key file that is cut or foreign is told with its path", async () => {
  await open();
  const whole = readFileSync(keyFile(), "utf8");
  writeFileSync(keyFile(), whole.slice(0, 20));
  await expect(open()).rejects.toThrow(/encryption.key does not hold a key of 32 bytes/);
  writeFileSync(keyFile(), Buffer.alloc(32, 9).toString("base64"));
  await expect(open()).rejects.toThrow(/The key in .*encryption.key is not the key/);
  writeFileSync(keyFile(), whole);
  await open();
});

test("two first starts with keys of their own on one database: one wins, the other is told", async () => {
  const other = mkdtempSync(join(tmpdir(), "keys-"));
  const results = await Promise.allSettled([open(), open(none, other)]);
  expect(results.map((r) => r.status).sort()).toEqual(["fulfilled", "rejected"]);
  const files = [dataDir, other].filter((dir) => existsSync(join(dir, "encryption.key")));
  expect(files).toHaveLength(1);
});
