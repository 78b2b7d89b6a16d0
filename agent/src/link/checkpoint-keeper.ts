// Keeps signed checkpoints of the controller's audit log on this host's disk, and notices when two of them cannot both be
// true: whoever rewrites the log in the database would have to rewrite these too. Told by session.ts, shown by the CLI.
import { createPublicKey, verify } from "node:crypto";
import type { AuditCheckpoint, AuditFork } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { isDiskTrouble, readText, writeDurably } from "./durable-file.ts";
import { type KeptFile, type StoredCheckpoint, storedCheckpoint, storedFork } from "./stored-checkpoints.ts";

const mostKept = 100;
/** What a hello names of them: a rewritten row is found by any that came after it. */
const mostTold = 8;

export class CheckpointKeeper {
  readonly #path: string;
  readonly #clusterId: string;
  #kept: AuditCheckpoint[] = [];
  #fork: AuditFork | undefined;
  #unsaved = false;

  constructor(path: string, clusterId: string) {
    this.#path = path;
    this.#clusterId = clusterId;
    const text = readText(path);
    if (text === undefined) return;
    const { checkpoints, fork } = JSON.parse(text) as KeptFile;
    this.#kept = checkpoints.map(fromStored);
    if (fork) this.#fork = { ...fork, noticedAtMs: BigInt(Date.parse(fork.noticedAt)), ...pairOf(fork) };
  }

  /** The newest fork that was noticed. */
  get fork(): AuditFork | undefined {
    return this.#fork;
  }

  /** The oldest, the newest and some between, of the database's newest generation. */
  forHello(): AuditCheckpoint[] {
    const generation = this.#kept.at(-1)?.generation;
    const comparable = this.#kept.filter((c) => c.generation === generation);
    if (comparable.length <= mostTold) return comparable;
    const step = (comparable.length - 1) / (mostTold - 1);
    return Array.from({ length: mostTold }, (_, n) => comparable[Math.round(n * step)]!);
  }

  /** Returns what was not known before: that it contradicts what is kept. */
  hear(told: AuditCheckpoint | undefined, nowMs: number): AuditFork | undefined {
    if (!told || !isSigned(told, this.#clusterId)) return undefined;
    const { kind, kept } = contradictionOf(told, this.#kept) ?? {};
    const isNew = !this.#kept.some((c) => isSame(c, told));
    if (isNew && kind === undefined) this.#kept = [...this.#kept, told].slice(-mostKept);
    const noticed = kind && kept && { kind, kept, told, noticedAtMs: BigInt(nowMs) };
    const isNews = noticed && !(this.#fork && isSame(this.#fork.told!, told) && isSame(this.#fork.kept!, kept));
    if (isNews) this.#fork = noticed;
    if (isNews || (isNew && kind === undefined) || this.#unsaved) this.#save();
    return isNews ? noticed : undefined;
  }

  #save(): void {
    this.#unsaved = true;
    const file: KeptFile = {
      clusterId: this.#clusterId,
      checkpoints: this.#kept.map(storedCheckpoint),
      ...(this.#fork ? { fork: storedFork(this.#fork) } : {}),
    };
    try {
      writeDurably(this.#path, `${JSON.stringify(file, undefined, 1)}\n`);
      this.#unsaved = false;
    } catch (error) {
      if (!isDiskTrouble(error)) throw error; // those before stay, and the next one tries again
    }
  }
}

/** What is kept that cannot be true together with `told`. */
function contradictionOf(told: AuditCheckpoint, kept: readonly AuditCheckpoint[]) {
  const newest = kept.at(-1);
  if (!newest) return undefined;
  if (!newest.publicKey.equals(told.publicKey)) return { kind: "other_key", kept: newest };
  const comparable = kept.filter((c) => c.generation === told.generation);
  const other = comparable.find((c) => c.position === told.position && !c.hash.equals(told.hash));
  if (other) return { kind: "other_hash", kept: other };
  // A checkpoint that was kept before is no news: another controller may be a moment behind.
  const isBehind = told.generation < newest.generation || comparable.some((c) => c.position > told.position);
  return isBehind && !kept.some((c) => isSame(c, told)) ? { kind: "backwards", kept: newest } : undefined;
}

function isSigned(c: AuditCheckpoint, clusterId: string): boolean {
  if (c.hash.length !== 32 || c.signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: c.publicKey, format: "der", type: "spki" });
    const text = `opsconductor audit checkpoint v1\n${clusterId}\n${c.position}\n${c.hash.toString("hex")}\n${c.at}\n`;
    return verify(null, Buffer.from(text), key, c.signature);
  } catch {
    return false; // a key that is none: what it signed is worth nothing
  }
}

const isSame = (a: AuditCheckpoint, b: AuditCheckpoint) => a.position === b.position && a.hash.equals(b.hash);

function fromStored(c: StoredCheckpoint): AuditCheckpoint {
  const { position, hash, at, keyId, signature, publicKey, generation } = c;
  return {
    ...{ position: BigInt(position), at, keyId, generation },
    hash: Buffer.from(hash, "hex"),
    signature: Buffer.from(signature, "base64"),
    publicKey: Buffer.from(publicKey, "base64"),
  };
}

const pairOf = ({ kept, told }: NonNullable<KeptFile["fork"]>) => ({ kept: fromStored(kept), told: fromStored(told) });
