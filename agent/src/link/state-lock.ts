// One agent process per state folder: two would fight over the session and start work twice. Held by `run`, asked by
// `status`.
import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

export interface StateLock {
  release(): void;
}

/**
 * Undefined when another process holds it. The lock is SQLite's own (it is in the program anyway): the system releases it
 * with the process, however that ends, on every platform.
 */
export function takeStateLock(path: string): StateLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  chmodSync(path, 0o600);
  try {
    database.exec("pragma locking_mode = exclusive; begin exclusive");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === 5) return undefined; // SQLITE_BUSY
    throw error;
  }
}
