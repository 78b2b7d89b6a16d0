// File systems of this host with their size. Linux only; elsewhere the root alone.
import type { StatsFs } from "node:fs";
import { readFile, stat, statfs } from "node:fs/promises";
import { parseMounts } from "./parse-facts.ts";

export interface DiskFacts {
  mount: string;
  type: string;
  totalBytes: number;
  /** Whole percent, so that facts do not change with every byte. */
  usedPercent: number;
}

const maxMounts = 32;

export async function diskFacts(): Promise<DiskFacts[]> {
  const mounts =
    process.platform === "linux"
      ? parseMounts(await readFile("/proc/self/mounts", "utf8"))
      : [{ device: "root", mount: "/", type: "" }];
  const disks = await Promise.all(mounts.slice(0, maxMounts).map(({ mount, type }) => measure(mount, type)));
  return disks.filter((disk) => disk !== undefined);
}

/** A hung network mount must not hold the rest: statfs of those is given two seconds. */
async function measure(mount: string, type: string): Promise<DiskFacts | undefined> {
  const gone = new Promise<undefined>((resolve) => setTimeout(resolve, 2000, undefined).unref());
  const size = await Promise.race([sizeOf(mount), gone]);
  if (!size || size.blocks === 0) return undefined;
  const used = size.blocks - size.bfree;
  return {
    mount,
    type,
    totalBytes: size.blocks * size.bsize,
    usedPercent: Math.round((used / (used + size.bavail || 1)) * 100),
  };
}

/** Undefined where this process may not look, and for single files that a container has mounted. */
async function sizeOf(mount: string): Promise<StatsFs | undefined> {
  try {
    return (await stat(mount)).isDirectory() ? await statfs(mount) : undefined;
  } catch {
    return undefined; // unmounted meanwhile, or out of reach: no line is the honest answer
  }
}
