// Removes a folder of finished work. Something that still writes there (a daemon a step left behind) must not stop the
// agent: what stays goes when the attempt is forgotten, or at the next start.
import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";

const options = { recursive: true, force: true, maxRetries: 2, retryDelay: 50 };

/** In the background. */
export function removeFolder(path: string): void {
  rm(path, options).catch(() => {
    // goes later, see above
  });
}

export function removeFolderNow(path: string): void {
  try {
    rmSync(path, options);
  } catch {
    // goes later, see above
  }
}
