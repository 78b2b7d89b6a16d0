// The agent as archives for hosts, one a platform: made when first asked for, kept in the data directory under the hash
// of what is in them. Part of the context; used by the installer, the packages route and the join command.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { version } from "../version.ts";
import { bundleAgent } from "./agent-bundle.ts";
import { findNodeBinaries, type NodeBinary } from "./node-binaries.ts";
import { type TarEntry, writeTar } from "./tar.ts";

export interface AgentPackage {
  platform: string;
  /** opsconductor-agent-linux-x64.tar.gz */
  fileName: string;
  path: string;
  sha256: string;
  bytes: number;
}

export interface AgentPackages {
  /** All that this controller can make; the first call takes some seconds. */
  all(): Promise<AgentPackage[]>;
}

interface Parts {
  bundle: () => Promise<TarEntry[]>;
  nodes: () => NodeBinary[];
}

const madeAt = new Date(0);

export function createAgentPackages(
  dataDir: string,
  parts: Parts = { bundle: bundleAgent, nodes: findNodeBinaries },
): AgentPackages {
  const folder = join(dataDir, "packages");
  let made: Promise<AgentPackage[]> | undefined;
  return {
    all() {
      made ??= makeAll(folder, parts).catch((error) => {
        made = undefined; // a full disk may have room the next time
        throw error;
      });
      return made;
    },
  };
}

async function makeAll(folder: string, parts: Parts): Promise<AgentPackage[]> {
  await mkdir(folder, { recursive: true });
  const bundle = await parts.bundle();
  const made: AgentPackage[] = [];
  for (const node of parts.nodes()) made.push(await makeOne(folder, bundle, node));
  await removeOthers(folder, made);
  return made;
}

async function makeOne(folder: string, bundle: TarEntry[], node: NodeBinary): Promise<AgentPackage> {
  const { platform } = node;
  const key = await keyOf(bundle, node);
  const path = join(folder, `${platform}-${key}.tar.gz`);
  if (!existsSync(path)) await pack(path, [...bundle, { name: "bin/node", mode: 0o755, from: { path: node.path } }]);
  const sha256 = await sha256Of(path);
  return { platform, fileName: `opsconductor-agent-${platform}.tar.gz`, path, sha256, bytes: (await stat(path)).size };
}

/** Of everything that goes in. Node is known by version and size: reading 120 MB at every start would tell no more. */
async function keyOf(bundle: TarEntry[], node: NodeBinary): Promise<string> {
  const hash = createHash("sha256").update(`${version} node ${node.version} ${(await stat(node.path)).size}`);
  for (const { name, mode, from } of bundle) {
    hash.update(`\0${name}\0${mode}\0`);
    hash.update("bytes" in from ? from.bytes : await readFile(from.path));
  }
  return hash.digest("hex").slice(0, 16);
}

async function pack(path: string, entries: TarEntry[]): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await pipeline(writeTar(entries, madeAt), createGzip({ level: 6 }), createWriteStream(temporary));
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Beside the archive, so that a start does not read 50 MB to know a hash it knew before. */
async function sha256Of(path: string): Promise<string> {
  const note = `${path}.sha256`;
  if (existsSync(note)) return (await readFile(note, "utf8")).trim();
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const sha256 = hash.digest("hex");
  await writeFile(note, `${sha256}\n`);
  return sha256;
}

async function removeOthers(folder: string, kept: AgentPackage[]): Promise<void> {
  const names = new Set(kept.flatMap(({ path }) => [path, `${path}.sha256`]));
  for (const name of await readdir(folder))
    if (!names.has(join(folder, name))) await rm(join(folder, name), { force: true });
}
