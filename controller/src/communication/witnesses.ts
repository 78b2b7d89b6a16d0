// What agents keep of the audit log, held against a chain: an export that was rewritten with the key in hand contradicts
// the checkpoints on the hosts. Used by verify-audit.ts.
import { createPublicKey, type KeyObject } from "node:crypto";
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import type { ChainLink, CheckpointRow } from "./audit-chain-queries.ts";
import { isSignedBy } from "./checkpoints.ts";

export interface WitnessCheckpoint extends CheckpointRow {
  /** SPKI DER, as the agent believes it. */
  publicKey: Buffer;
  generation: number;
  /** Where it was read, for people. */
  from: string;
}

interface Origin {
  clusterId: string;
  publicKeys: ReadonlyMap<string, KeyObject>;
  witnesses?: readonly WitnessCheckpoint[];
}

export class Witnesses {
  readonly #tell: (position: bigint, message: string) => void;
  /** Of each position that is yet to come. */
  readonly #awaited = new Map<bigint, WitnessCheckpoint[]>();
  /** They contradict the chain, unless a restored database was accepted since. */
  #contradictions: { witness: WitnessCheckpoint; message: string }[] = [];
  /** Of each generation, from which position on an accepted restore may have cut its history off. */
  readonly #cuts = new Map<number, bigint>();
  #foundOlderAt: bigint | undefined;
  agreed = 0;

  constructor(origin: Origin, start: ChainLink, tell: (position: bigint, message: string) => void) {
    this.#tell = tell;
    for (const witness of origin.witnesses ?? []) {
      const problem = problemOf(origin, witness);
      if (problem) tell(witness.position, `${witness.from}: ${problem}`);
      else if (witness.position > start.position) this.#await(witness);
      else if (witness.position === start.position) this.#compare(witness, start);
    }
  }

  link(link: ChainLink & { record: AuditRecord | undefined }): void {
    this.#noteRestore(link);
    for (const witness of this.#awaited.get(link.position) ?? []) this.#compare(witness, link);
    this.#awaited.delete(link.position);
  }

  end(last: bigint): void {
    for (const witness of [...this.#awaited.values()].flat())
      this.#contradict(witness, `keeps a checkpoint of position ${witness.position}, and the chain ends at ${last}`);
    for (const { witness, message } of this.#contradictions) {
      const cut = this.#cuts.get(witness.generation);
      if (cut === undefined || witness.position < cut) this.#tell(witness.position, `${witness.from} ${message}`);
    }
  }

  #await(witness: WitnessCheckpoint): void {
    const others = this.#awaited.get(witness.position) ?? [];
    this.#awaited.set(witness.position, [...others, witness]);
  }

  #compare(witness: WitnessCheckpoint, link: ChainLink): void {
    if (witness.hash.equals(link.hash)) this.agreed++;
    else this.#contradict(witness, `keeps a checkpoint of position ${witness.position} with another hash`);
  }

  #contradict(witness: WitnessCheckpoint, message: string): void {
    this.#contradictions.push({ witness, message });
  }

  #noteRestore({ position, record }: ChainLink & { record: AuditRecord | undefined }): void {
    if (record?.action === "database.found_older") this.#foundOlderAt = position;
    if (record?.action !== "database.accepted") return;
    const generation = (record.before as { generation?: number } | null)?.generation;
    if (generation !== undefined) this.#cuts.set(generation, this.#foundOlderAt ?? position);
  }
}

function problemOf({ clusterId, publicKeys }: Origin, witness: WitnessCheckpoint): string | undefined {
  const own = createPublicKey({ key: witness.publicKey, format: "der", type: "spki" });
  if (!isSignedBy(own, clusterId, witness)) return "its signature is not valid, or it is of another cluster";
  const known = [...publicKeys.values()].some((key) => key.equals(own));
  return known ? undefined : "it is signed with another key than the export names";
}
