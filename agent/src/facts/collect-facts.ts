// What this host is, for selectors (`fact.os.family=linux`) and for people. Collected at hello and from time to time;
// a part that cannot be read is left out, and said in `errors`, instead of failing the rest.
import { readdir, readFile } from "node:fs/promises";
import os from "node:os";
import { diskFacts } from "./disks.ts";
import { createPackageFacts } from "./packages.ts";
import { parseOsRelease } from "./parse-facts.ts";

export type Facts = Record<string, unknown>;
type Part = () => Promise<unknown> | unknown;

const parts: Record<string, Part> = {
  os: osFacts,
  kernel: () => ({ release: os.release(), version: os.version(), arch: os.machine() }),
  cpu: () => ({ count: os.cpus().length, model: os.cpus()[0]?.model.trim() ?? "" }),
  memory: memoryFacts,
  disks: diskFacts,
  network: networkFacts,
  boot: () => ({ at: new Date(Date.now() - os.uptime() * 1000).toISOString().slice(0, 16).concat(":00Z") }),
  virtualization: virtualization,
  time: () => ({ zone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
};

/** One a process: waiting updates are remembered between collections. */
export function createFactCollector(): () => Promise<Facts> {
  const packages = createPackageFacts();
  return () => collect({ ...parts, packages });
}

/** Plain JSON, at most a few KiB. Never rejects. */
async function collect(parts: Record<string, Part>): Promise<Facts> {
  const errors: Record<string, string> = {};
  const entries = await Promise.all(
    Object.entries(parts).map(async ([name, read]) => {
      try {
        return [name, await read()] as const;
      } catch (error) {
        errors[name] = error instanceof Error ? error.message : String(error);
        return [name, undefined] as const;
      }
    }),
  );
  const facts: Facts = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  return Object.keys(errors).length > 0 ? { ...facts, errors } : facts;
}

async function osFacts(): Promise<Facts> {
  const family = { linux: "linux", darwin: "darwin", win32: "windows" }[process.platform as string] ?? process.platform;
  if (process.platform !== "linux") return { family, name: `${os.type()} ${os.release()}`, version: os.release() };
  const release = parseOsRelease(await readFile("/etc/os-release", "utf8"));
  return {
    family,
    id: release.ID ?? "linux",
    like: release.ID_LIKE?.split(" ") ?? [],
    name: release.PRETTY_NAME ?? release.NAME ?? "Linux",
    version: release.VERSION_ID ?? "",
    codename: release.VERSION_CODENAME ?? "",
  };
}

async function memoryFacts(): Promise<Facts> {
  if (process.platform !== "linux") return { totalBytes: os.totalmem() };
  const swap = /^SwapTotal:\s+(\d+) kB/m.exec(await readFile("/proc/meminfo", "utf8"));
  return { totalBytes: os.totalmem(), swapBytes: Number(swap?.[1] ?? 0) * 1024 };
}

function networkFacts(): Facts {
  const interfaces = Object.entries(os.networkInterfaces()).map(([name, addresses]) => ({
    name,
    mac: addresses?.[0]?.mac ?? "",
    addresses: (addresses ?? [])
      .filter((address) => !address.internal)
      .map((address) => address.cidr ?? address.address),
  }));
  const outside = interfaces.filter((each) => each.addresses.length > 0);
  return {
    hostname: os.hostname(),
    addresses: outside.flatMap((each) => each.addresses.map((address) => address.split("/")[0])),
    interfaces: outside,
  };
}

/** Container or hypervisor, as far as files tell; `none` on bare metal. */
async function virtualization(): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const root = await readdir("/");
  if (root.includes(".dockerenv")) return "docker";
  const environment = await readFile("/run/systemd/container", "utf8").catch(() => "");
  if (environment.trim() !== "") return environment.trim();
  const flags = await readFile("/proc/cpuinfo", "utf8");
  if (!/^flags\s*:.*\bhypervisor\b/m.test(flags)) return "none";
  const product = await readFile("/sys/class/dmi/id/sys_vendor", "utf8").catch(() => "");
  return product.trim().toLowerCase() || "vm";
}
