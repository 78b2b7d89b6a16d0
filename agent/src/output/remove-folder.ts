// Removes a folder of finished work. Something that still writes there (a daemon a step left behind) must not stop the
// agent: what stays goes when the attempt is forgotten, or at the next start.
import { rmdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";

const options = { recursive: true, force: true, maxRetries: 2, retryDelay: 50 };

/** In the background, unless it is empty: then at once, in a tenth of the time that handing it over takes. */
export function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    rm(path, options).catch(() => {
      // goes later, see above
    });
  }
}

/** What was just recorded leaves for the controller first; nobody waits for a folder to go. */
const afterSendMs = 2;

export function removeAfterSend(path: string, remove: (path: string) => void): void {
  setTimeout(() => remove(path), afterSendMs).unref();
}

/** Of a few files of ours, at once: in the background each of them would be three calls of other threads. */
export function removeSmallFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    removeFolder(path);
  }
}

export function removeFolderNow(path: string): void {
  try {
    rmSync(path, options);
  } catch {
    // goes later, see above
  }
}
