// A disk that can be filled: a small tmpfs, and a file that takes its last byte. Used by database-disk.ts and host-disk.ts.
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";

/** Makes the folder `at` and mounts it. `mode` is of its root, octal. */
export function mountSmallDisk(at: string, { sizeMiB, mode }: { sizeMiB: number; mode: string }): string {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new Error(
      "A disk that can be filled is a small tmpfs, and only root on Linux may mount one: run this as root",
    );
  mkdirSync(at);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=${mode}`, "opsconductor-faults", at]);
  return at;
}

/** To the last byte. `flags`: "a" goes on for what was given back, "w" begins anew. */
export function fillDisk(path: string, flags: "a" | "w"): void {
  const fd = openSync(path, flags);
  try {
    for (let size = 1024 * 1024; size >= 1; )
      try {
        writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        size = Math.floor(size / 2);
      }
  } finally {
    closeSync(fd);
  }
}
