// Reads the whole chain again and says whether anything was changed since it was written, and where. Pure over a source
// of rows, so that the same code checks the database (GET audit/verify) and an export without one (verify-export.ts).
import { createHash, type KeyObject } from "node:crypto";
import type { AuditProblem, AuditVerification } from "@opsconductor/contract/api/audit";
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import { fingerprintDigits, fingerprintLabel } from "@opsconductor/contract/fingerprint";
import type { ChainLink, CheckpointRow } from "./audit-chain-queries.ts";
import { linkAfter } from "./chain-audit.ts";
import { isSignedBy } from "./checkpoints.ts";

export interface ChainSource {
  clusterId: string;
  /** The link before the first row: chainStart, or what an export of a part begins with. */
  start: ChainLink;
  /** In the order of positions. `record` is undefined when the row of that link is gone. */
  links: AsyncIterable<ChainLink & { auditId: string; record: AuditRecord | undefined }>;
  checkpoints: readonly CheckpointRow[];
  publicKeys: ReadonlyMap<string, KeyObject>;
}

const maxProblems = 100;

export async function verifyChain(source: ChainSource): Promise<AuditVerification> {
  const problems: AuditProblem[] = [];
  const tell = (position: bigint, kind: AuditProblem["kind"], message: string) => {
    if (problems.length < maxProblems) problems.push({ position: Number(position), kind, message });
  };
  const awaited = source.checkpoints.filter((c) => c.position > source.start.position);
  const verified = { checkpoints: 0, rows: 0 };
  let last = source.start;
  for await (const link of source.links) {
    if (link.position !== last.position + 1n)
      tell(link.position, "gap", `Rows ${last.position + 1n} to ${link.position - 1n} of the chain are gone`);
    else if (!link.record) tell(link.position, "deleted", `Row ${link.auditId} was deleted`);
    else if (!linkAfter(last, link.record).hash.equals(link.hash))
      tell(link.position, "altered", `Row ${link.auditId} is not what was written, or not where it was written`);
    verified.rows++;
    // From what is stored, so that one altered row is one problem and not the whole rest.
    last = link;
    while (awaited[0] && awaited[0].position <= link.position) {
      const checkpoint = awaited.shift()!;
      const problem = checkpointProblem(source, checkpoint, link);
      if (problem) tell(checkpoint.position, "checkpoint", problem);
      else verified.checkpoints++;
    }
  }
  for (const { position } of awaited)
    tell(
      position,
      "truncated",
      `The chain ends at ${last.position}, but a signed checkpoint says that it had ${position}`,
    );
  return {
    ok: problems.length === 0,
    rows: verified.rows,
    checkpoints: verified.checkpoints,
    firstPosition: Number(source.start.position) + 1,
    lastPosition: Number(last.position),
    lastHash: last.hash.toString("hex"),
    keys: [...source.publicKeys.values()].map(fingerprintOf),
    problems,
  };
}

function fingerprintOf(key: KeyObject): string {
  const der = key.export({ format: "der", type: "spki" });
  return fingerprintDigits(createHash("sha256").update(fingerprintLabel).update(der).digest());
}

function checkpointProblem(source: ChainSource, checkpoint: CheckpointRow, link: ChainLink): string | undefined {
  const key = source.publicKeys.get(checkpoint.keyId);
  if (!key) return `The checkpoint is signed with a key that is not known (${checkpoint.keyId})`;
  if (!isSignedBy(key, source.clusterId, checkpoint)) return "The checkpoint's signature is not valid";
  if (checkpoint.position === link.position && !checkpoint.hash.equals(link.hash))
    return "The chain was rewritten: a signed checkpoint had another hash here";
  return undefined;
}
