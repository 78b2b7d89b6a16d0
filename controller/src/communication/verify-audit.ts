// Reads a chain once and says whether anything was changed since it was written, and where. Pure over links and
// checkpoints in the order of positions, so that the same code checks the database (GET audit/verify) and an export
// without one (verify-export.ts).
import { createHash, type KeyObject } from "node:crypto";
import type { AuditProblem, AuditVerification } from "@opsconductor/contract/api/audit";
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import { fingerprintDigits, fingerprintLabel } from "@opsconductor/contract/fingerprint";
import type { ChainLink, CheckpointRow } from "./audit-chain-queries.ts";
import { chainStart, linkAfter } from "./chain-audit.ts";
import { isAnchorOf, isSignedBy } from "./checkpoints.ts";
import { type WitnessCheckpoint, Witnesses } from "./witnesses.ts";

/** `record` is undefined when the row of that link is gone. */
export type VerifiedLink = ChainLink & { auditId: string; record: AuditRecord | undefined };

export interface ChainOrigin {
  clusterId: string;
  /** Where retention left off; undefined when the chain begins with its first row. */
  anchor: CheckpointRow | undefined;
  publicKeys: ReadonlyMap<string, KeyObject>;
  /** What agents keep of the chain. */
  witnesses?: readonly WitnessCheckpoint[];
}

const maxProblems = 100;

export class ChainVerifier {
  readonly #origin: ChainOrigin;
  readonly #start: ChainLink;
  readonly #witnesses: Witnesses;
  readonly #problems: AuditProblem[] = [];
  #last: ChainLink;
  #awaited: CheckpointRow[] = [];
  #rows = 0;
  #checkpoints = 0;

  constructor(origin: ChainOrigin) {
    this.#origin = origin;
    this.#start = origin.anchor ?? chainStart(origin.clusterId);
    this.#last = this.#start;
    const tell = (position: bigint, message: string) => this.#tell(position, "witness", message);
    this.#witnesses = new Witnesses(origin, this.#start, tell);
    const problem = origin.anchor && anchorProblem(origin, origin.anchor);
    if (problem) this.#tell(this.#start.position, "anchor", problem);
  }

  /** Told before the link of its position. */
  checkpoint(checkpoint: CheckpointRow): void {
    if (checkpoint.position <= this.#start.position) return;
    if (checkpoint.position > this.#last.position) this.#awaited.push(checkpoint);
    else this.#tell(checkpoint.position, "checkpoint", "The checkpoint stands behind the row that it is of");
  }

  link(link: VerifiedLink): void {
    const last = this.#last;
    const isNext = link.position === last.position + 1n;
    if (link.position <= last.position)
      this.#tell(link.position, "gap", `Position ${link.position} comes after position ${last.position}`);
    else if (!isNext)
      this.#tell(link.position, "gap", `Rows ${last.position + 1n} to ${link.position - 1n} of the chain are gone`);
    else if (!link.record) this.#tell(link.position, "deleted", `Row ${link.auditId} was deleted`);
    else if (!linkAfter(last, link.record).hash.equals(link.hash))
      this.#tell(link.position, "altered", `Row ${link.auditId} is not what was written, or not where it was written`);
    this.#rows++;
    // From what is stored, so that one altered row is one problem and not the whole rest.
    this.#last = { position: link.position, hash: link.hash };
    this.#witnesses.link(link);
    this.#checkAwaited(link);
  }

  end(): AuditVerification {
    const { position: end, hash } = this.#last;
    for (const { position } of this.#awaited) {
      const text = `The chain ends at ${end}, but a signed checkpoint says that it had ${position}`;
      this.#tell(position, "truncated", text);
    }
    this.#witnesses.end(end);
    return {
      ok: this.#problems.length === 0,
      rows: this.#rows,
      checkpoints: this.#checkpoints,
      witnesses: this.#witnesses.agreed,
      firstPosition: Number(this.#start.position) + 1,
      lastPosition: Number(end),
      lastHash: hash.toString("hex"),
      keys: [...this.#origin.publicKeys.values()].map(fingerprintOf),
      problems: this.#problems,
    };
  }

  #checkAwaited(link: ChainLink): void {
    while (this.#awaited[0] && this.#awaited[0].position <= link.position) {
      const checkpoint = this.#awaited.shift()!;
      const problem = checkpointProblem(this.#origin, checkpoint, link);
      if (problem) this.#tell(checkpoint.position, "checkpoint", problem);
      else this.#checkpoints++;
    }
  }

  #tell(position: bigint, kind: AuditProblem["kind"], message: string): void {
    if (this.#problems.length < maxProblems) this.#problems.push({ position: Number(position), kind, message });
  }
}

export function fingerprintOf(key: KeyObject): string {
  const der = key.export({ format: "der", type: "spki" });
  return fingerprintDigits(createHash("sha256").update(fingerprintLabel).update(der).digest());
}

function anchorProblem({ publicKeys, clusterId }: ChainOrigin, anchor: CheckpointRow): string | undefined {
  const key = publicKeys.get(anchor.keyId);
  if (key && isAnchorOf(key, clusterId, anchor)) return undefined;
  return `The chain begins after ${anchor.position}, and no valid signature says that retention removed what was before`;
}

function checkpointProblem(origin: ChainOrigin, checkpoint: CheckpointRow, link: ChainLink): string | undefined {
  const key = origin.publicKeys.get(checkpoint.keyId);
  if (!key) return `The checkpoint is signed with a key that is not known (${checkpoint.keyId})`;
  if (!isSignedBy(key, origin.clusterId, checkpoint)) return "The checkpoint's signature is not valid";
  if (checkpoint.position === link.position && !checkpoint.hash.equals(link.hash))
    return "The chain was rewritten: a signed checkpoint had another hash here";
  return undefined;
}
