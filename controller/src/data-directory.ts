// The folder that a controller keeps its files in: made, proven writable, and held by one controller at a time.
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { processStart } from "./process-start.ts";
import { StartRefused } from "./start-refused.ts";

export interface DataDirectory {
  path: string;
  release(): void;
}

interface Holder {
  pid: number;
  /** Tells a holder from another process that was given the same pid later. */
  startedAt: string;
}

export function openDataDirectory(path: string): DataDirectory {
  makeFolder(path);
  const lock = join(realpathSync(path), "controller.pid");
  for (let attempt = 0; ; attempt++) {
    try {
      const holder: Holder = { pid: process.pid, startedAt: processStart(process.pid) ?? "" };
      writeFileSync(lock, JSON.stringify(holder), { flag: "wx", mode: 0o644 });
      return { path: realpathSync(path), release: () => rmSync(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw notUsable(path, error);
      const holder = livingHolder(lock);
      if (holder || attempt > 2)
        throw new StartRefused(
          `OC_DATA_DIR: ${path} is in use by the controller with pid ${holder?.pid}. Stop that one first.`,
        );
      rmSync(lock, { force: true }); // left by a controller that was killed
    }
  }
}

function makeFolder(path: string): void {
  try {
    const isNew = !existsSync(path);
    makeMissing(path);
    // Closed for looking, open for passing: as root, PostgreSQL runs as another user below it. Secrets are 0600.
    if (isNew) chmodSync(path, 0o711);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw notUsable(path, error);
  }
}

/** Level by level: Node's own recursive mkdir never ends where the file system answers ENOENT, as /proc does. */
function makeMissing(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Another controller that starts now may have been faster.
      if (!existsSync(folder)) throw error;
    }
  }
}

function notUsable(path: string, cause: unknown): StartRefused {
  const reasons: Record<string, string> = {
    EACCES: "this user may not write there",
    EPERM: "this user may not write there",
    EROFS: "the file system is read-only",
    ENOTDIR: "a part of the path is a file",
    EEXIST: "it is a file",
    ENOSPC: "the disk is full",
    ENOENT: "no folder can be made there",
  };
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return new StartRefused(`OC_DATA_DIR: ${path} cannot be used: ${reasons[code] ?? message}. Choose another folder.`, {
    exitCode: 2,
    cause,
  });
}

function livingHolder(lock: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(lock, "utf8")) as Holder;
    // In a container every start has the same small pid.
    return holder.pid !== process.pid && processStart(holder.pid) === holder.startedAt ? holder : undefined;
  } catch {
    return undefined; // unreadable or half written: its writer did not get far
  }
}
