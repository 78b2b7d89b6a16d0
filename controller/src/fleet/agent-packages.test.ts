import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundleAgent } from "./agent-bundle.ts";
import { createAgentPackages } from "./agent-packages.ts";

const folder = mkdtempSync(join(tmpdir(), "oc-packages-"));
afterAll(() => rmSync(folder, { recursive: true }));
const node = join(folder, "fake-node");
writeFileSync(node, "#!/bin/sh\necho fake\n");
const nodes = () => [{ platform: "linux-x64", version: "24.0.0", path: node }];
const bundle = (text: string) => async () => [
  { name: "lib/agent.mjs", mode: 0o644, from: { bytes: Buffer.from(text) } },
];

test("the archive is one that tar unpacks, with modes and content", async () => {
  const [made] = await createAgentPackages(folder, { bundle: bundle("x".repeat(513)), nodes }).all();
  const place = join(folder, "out");
  execFileSync("mkdir", ["-p", place]);
  execFileSync("tar", ["-xzf", made!.path, "-C", place]);
  expect(readFileSync(join(place, "lib/agent.mjs"), "utf8")).toBe("x".repeat(513));
  expect(execFileSync(join(place, "bin/node")).toString()).toBe("fake\n");
  expect(statSync(join(place, "lib/agent.mjs")).mode & 0o777).toBe(0o644);
  const sum = execFileSync("sha256sum", [made!.path]).toString().split(" ")[0];
  expect(made).toMatchObject({ fileName: "opsconductor-agent-linux-x64.tar.gz", sha256: sum });
  expect(made!.bytes).toBe(statSync(made!.path).size);
});

test("the same content is not packed again, and another one replaces it", async () => {
  const [first] = await createAgentPackages(folder, { bundle: bundle("one"), nodes }).all();
  const { mtimeMs } = statSync(first!.path);
  const [again] = await createAgentPackages(folder, { bundle: bundle("one"), nodes }).all();
  expect(statSync(again!.path).mtimeMs).toBe(mtimeMs);
  const [other] = await createAgentPackages(folder, { bundle: bundle("two"), nodes }).all();
  expect(other!.sha256).not.toBe(first!.sha256);
  expect(readdirSync(join(folder, "packages")).filter((n) => n.endsWith(".gz"))).toHaveLength(1);
});

test("the bundled agent runs without the repository, and finds its supervisor beside itself", {
  timeout: 60_000,
}, async () => {
  const place = mkdtempSync(join(folder, "bundle-"));
  for (const { name, mode, from } of await bundleAgent()) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    if ("bytes" in from) writeFileSync(join(place, name), from.bytes, { mode });
  }
  symlinkSync(process.execPath, join(place, "bin/node"));
  const agent = join(place, "bin/opsconductor-agent");
  const { version } = JSON.parse(readFileSync(new URL("../../../agent/package.json", import.meta.url), "utf8"));
  expect(execFileSync(agent, ["version"], { cwd: "/" }).toString().trim()).toBe(version);
  const job = join(place, "job.yaml");
  writeFileSync(job, "apiVersion: opsconductor/v1\nkind: Job\nname: here\nsteps:\n  - run: echo it ran\n");
  expect(execFileSync(agent, ["exec", job], { cwd: "/" }).toString()).toBe("it ran\n");
  const request = JSON.parse(execFileSync(agent, ["certificate-request"], { cwd: "/" }).toString());
  expect(Object.keys(request)).toHaveLength(2);
});
