// Texts of the host's own files and tools to values. Pure.

/** os-release(5): shell-like assignments, quoted or not. */
export function parseOsRelease(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^([A-Z_0-9]+)=(.*)$/.exec(line.trim());
    if (!match?.[1]) continue;
    const raw = match[2] ?? "";
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    values[match[1]] = (quoted ? (quoted[2] ?? "") : raw).replace(/\\([$"'\\`])/g, "$1");
  }
  return values;
}

/** Mount points of real file systems in /proc/self/mounts, each device once. */
export function parseMounts(text: string): { device: string; mount: string; type: string }[] {
  const decode = (field: string) =>
    field.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
  const seen = new Set<string>();
  const mounts = [];
  for (const line of text.split("\n")) {
    const [device = "", mount = "", type = ""] = line.split(" ").map(decode);
    const real = device.startsWith("/dev/") || realTypes.has(type);
    if (!real || type === "squashfs" || seen.has(device)) continue;
    seen.add(device);
    mounts.push({ device, mount, type });
  }
  return mounts;
}

/** File systems worth a line although their device is no path. */
const realTypes = new Set(["overlay", "zfs", "nfs", "nfs4", "cifs", "btrfs", "9p", "virtiofs"]);

export interface Updates {
  names: string[];
  security: number;
}

/** `Inst name [old] (new origin …)` lines of `apt-get --simulate upgrade`. */
export function parseAptSimulation(text: string): Updates {
  const lines = text.split("\n").filter((line) => line.startsWith("Inst "));
  return {
    names: lines.map((line) => line.split(" ")[1] ?? ""),
    security: lines.filter((line) => /[-/ ]security\b/i.test(line)).length,
  };
}

/** `name.arch  version  repository` lines of `dnf check-update`; what is obsoleted comes behind and does not count. */
export function parseDnfCheck(text: string): Updates {
  const updates = text.split(/^Obsoleting/m)[0] ?? "";
  const names = updates
    .split("\n")
    .map((line) => /^(\S+)\.\S+\s+\S+\s+\S+\s*$/.exec(line)?.[1])
    .filter((name) => name !== undefined);
  return { names, security: 0 };
}

/** `name-version < newer` lines of `apk version -l '<'`. */
export function parseApkVersion(text: string): Updates {
  const names = text
    .split("\n")
    .map((line) => /^(.+)-\d\S*\s+</.exec(line)?.[1])
    .filter((name) => name !== undefined);
  return { names, security: 0 };
}
