// File systems of this host with their size. Linux only; elsewhere the root alone.
import { readFile, statfs } from "node:fs/promises";
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
  const stat = await Promise.race([statfs(mount).catch(() => undefined), gone]);
  if (!stat || stat.blocks === 0) return undefined;
  const used = stat.blocks - stat.bfree;
  return {
    mount,
    type,
    totalBytes: stat.blocks * stat.bsize,
    usedPercent: Math.round((used / (used + stat.bavail || 1)) * 100),
  };
}
