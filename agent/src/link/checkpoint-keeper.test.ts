import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { CheckpointKeeper } from "./checkpoint-keeper.ts";
import { checkpointsFile, type KeptFile, keptText, readKept } from "./stored-checkpoints.ts";

const cluster = "01999999-0000-7000-8000-000000000001";
const key = generateKeyPairSync("ed25519");
let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "oc-checkpoints-"));
  onTestFinished(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  });
  path = join(folder, "checkpoints.json");
});

interface Changes {
  hash?: number;
  generation?: number;
  keys?: { publicKey: KeyObject; privateKey: KeyObject };
}
function checkpoint(position: number, { hash = 1, generation = 1, keys = key }: Changes = {}) {
  const bytes = Buffer.alloc(32, hash);
  const at = `2026-11-23T10:00:00.${String(position).padStart(6, "0")}Z`;
  const text = `opsconductor audit checkpoint v1\n${cluster}\n${position}\n${bytes.toString("hex")}\n${at}\n`;
  return {
    ...{ position: BigInt(position), hash: bytes, at, keyId: "k", generation },
    signature: sign(null, Buffer.from(text), keys.privateKey),
    publicKey: keys.publicKey.export({ format: "der", type: "spki" }),
  };
}
const keeper = () => new CheckpointKeeper(path, cluster);
const onDisk = (): KeptFile => JSON.parse(readFileSync(path, "utf8"));

test("the last hundred are on disk at once, and are there after a restart", () => {
  const kept = keeper();
  for (let n = 1; n <= 130; n++) expect(kept.hear(checkpoint(n * 10), 0)).toBeUndefined();
  expect(kept.hear(checkpoint(1300), 0)).toBeUndefined(); // the same again is nothing new
  expect(onDisk().checkpoints.map((c) => c.position)).toEqual(Array.from({ length: 100 }, (_, n) => (n + 31) * 10));
  const told = keeper().forHello();
  expect(told.map((c) => Number(c.position))).toEqual([310, 450, 590, 730, 880, 1020, 1160, 1300]);
  expect(told[0]).toEqual(checkpoint(310));
  expect(keptText(readKept(path)!)).toContain("100 checkpoints; no two contradict each other.");
});

test("another hash of a position that is kept is a fork: told once, and on disk with both statements", () => {
  const kept = keeper();
  for (const position of [10, 20, 30]) kept.hear(checkpoint(position), 0);
  const rewritten = checkpoint(20, { hash: 2 });
  expect(kept.hear(rewritten, 5_000)).toMatchObject({ kind: "other_hash", kept: checkpoint(20), told: rewritten });
  expect(kept.hear(rewritten, 6_000)).toBeUndefined();
  expect(onDisk().checkpoints).toHaveLength(3);
  expect(keeper().fork).toMatchObject({
    kind: "other_hash",
    kept: checkpoint(20),
    told: rewritten,
    noticedAtMs: 5_000n,
  });
  expect(keptText(readKept(path)!)).toMatch(
    /FORK \(other_hash\) noticed at 1970-01-01T00:00:05.000Z: kept position 20/,
  );
});

test("the program on the host tells what is kept, and ends with 1 and the fork in one line when there is one", () => {
  const file = join(path, "..", checkpointsFile);
  const kept = new CheckpointKeeper(file, cluster);
  for (let n = 1; n <= 130; n++) kept.hear(checkpoint(n), 0);
  const program = join(import.meta.dirname, "../main.ts");
  const audit = () =>
    spawnSync(process.execPath, [program, "audit", "--state-dir", join(path, "..")], { encoding: "utf8" });
  expect(audit()).toMatchObject({ status: 0, stdout: expect.stringContaining("100 checkpoints") });
  kept.hear(checkpoint(120, { hash: 2 }), 5_000);
  const { status, stdout } = audit();
  expect([status, stdout]).toEqual([1, expect.stringMatching(/^FORK \(other_hash\) noticed at .*kept position 120/m)]);
}, 60_000);

test("a chain that went backwards is a fork, unless a person accepted a restored database", () => {
  const kept = keeper();
  for (const position of [10, 20, 30]) kept.hear(checkpoint(position), 0);
  expect(kept.hear(checkpoint(20), 0)).toBeUndefined(); // one that is kept: a controller that is a moment behind
  expect(kept.hear(checkpoint(25), 0)).toMatchObject({ kind: "backwards", kept: { position: 30n } });
  const restored = keeper();
  expect(restored.hear(checkpoint(15, { generation: 2, hash: 3 }), 0)).toBeUndefined();
  expect(restored.hear(checkpoint(20, { generation: 2, hash: 3 }), 0)).toBeUndefined();
  expect(restored.forHello().map((c) => [c.generation, Number(c.position)])).toEqual([
    [2, 15],
    [2, 20],
  ]);
  expect(restored.hear(checkpoint(40, { generation: 1 }), 0)).toMatchObject({ kind: "backwards" });
});

test("another key is a fork, and what is not signed is not heard", () => {
  const kept = keeper();
  kept.hear(checkpoint(10), 0);
  const other = checkpoint(20, { keys: generateKeyPairSync("ed25519") });
  expect(kept.hear(other, 0)).toMatchObject({ kind: "other_key", told: { position: 20n } });
  for (const change of [{ hash: Buffer.alloc(32, 9) }, { position: 21n }, { publicKey: Buffer.from("x") }, { at: "" }])
    expect(kept.hear({ ...checkpoint(30), ...change }, 0)).toBeUndefined();
  expect(new CheckpointKeeper(path, "another cluster").hear(checkpoint(40), 0)).toBeUndefined();
  expect(onDisk().checkpoints.map((c) => c.position)).toEqual([10]);
});
