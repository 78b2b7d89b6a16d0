// The note that a step restarts its host on purpose, and whether the host has started anew since. Written by the action
// `reboot`, read at recovery. A container has the boot of the machine under it, so its first process counts as well.
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readBootId, readProcessStat } from "./process-identity.ts";

const noteName = "reboot";

/** Durable on return. */
export function noteReboot(folder: string): void {
  const file = openSync(join(folder, noteName), "w", 0o600);
  try {
    writeSync(file, thisStart());
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolder(folder);
}

/** The host has refused. Durable on return. */
export function forgetReboot(folder: string): void {
  rmSync(join(folder, noteName));
  syncFolder(folder);
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** True when a restart was asked for here and has happened. */
export function hasRebooted(folder: string): boolean {
  try {
    return readFileSync(join(folder, noteName), "utf8") !== thisStart();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function thisStart(): string {
  return `${readBootId()} ${readProcessStat(1)?.startTime ?? ""}`;
}
