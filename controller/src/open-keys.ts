// The encryption key of this cluster: from the configuration, or made at the first start and kept in the data
// directory; and the proof that it is the key this database was made with.
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config.ts";
import type { Sql } from "./context.ts";
import { insertClusterOnce, selectCluster } from "./fleet/cluster-queries.ts";
import { createKeys, type Keys } from "./keys.ts";
import { StartRefused } from "./start-refused.ts";

export interface OpenedKeys {
  keys: Keys;
  clusterId: string;
}

export async function openKeys(config: Config, dataDir: string, sql: Sql, newId: () => string): Promise<OpenedKeys> {
  const file = join(dataDir, "encryption.key");
  const before = await selectCluster(sql);
  const made = !config.encryptionKey && !existsSync(file);
  if (made && before) throw new StartRefused(missingKey(file), { exitCode: 2 });
  const keys = createKeys(config.encryptionKey ?? (made ? makeKey(file) : readKey(file)));
  if (!before) await insertClusterOnce(sql, newId(), keys.check);
  const cluster = (await selectCluster(sql))!;
  if (cluster.keyCheck?.equals(keys.check)) return { keys, clusterId: cluster.id };
  if (made) rmSync(file); // another controller was first on this empty database
  throw new StartRefused(wrongKey(config.encryptionKey ? undefined : file), { exitCode: 2 });
}

function missingKey(file: string): string {
  return (
    `ENCRYPTION_KEY is not set and ${file} is not there, but this database was made with a key. ` +
    "Set ENCRYPTION_KEY (or ENCRYPTION_KEY_FILE) to that key, or bring the file back."
  );
}

function wrongKey(file: string | undefined): string {
  const which = file ? `The key in ${file}` : "ENCRYPTION_KEY";
  return `${which} is not the key that this database was made with. Set ENCRYPTION_KEY to the right one.`;
}

function readKey(file: string): Buffer {
  const key = Buffer.from(readFileSync(file, "utf8").trim(), "base64");
  if (key.length === 32) return key;
  throw new StartRefused(
    `${file} does not hold a key of 32 bytes in base64. Bring the right file back, or set ENCRYPTION_KEY.`,
    {
      exitCode: 2,
    },
  );
}

/** On the disk before the database knows of it: the other way round a crash would lose everything sealed with it. */
function makeKey(file: string): Buffer {
  const key = randomBytes(32);
  const fd = openSync(file, "wx", 0o600);
  try {
    writeSync(fd, `${key.toString("base64")}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return key;
}
