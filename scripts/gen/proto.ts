// proto/**/*.proto → proto/gen, by buf and ts-proto. Called by main.ts.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export async function generateProto(root: string): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "opsconductor-proto-"));
  try {
    const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");
    // -o is prepended to the plugin's `out: gen`.
    await promisify(execFile)(process.execPath, [buf, "generate", "-o", folder], { cwd: join(root, "proto") });
    const files = (await readdir(join(folder, "gen"), { recursive: true }))
      .filter((name) => name.endsWith(".ts"))
      .sort();
    return new Map(
      await Promise.all(
        files.map(async (name) => [`proto/gen/${name}`, await readFile(join(folder, "gen", name), "utf8")] as const),
      ),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
