// The audit log as a file: JSON lines with everything that proves it, or a table for people. Called by GET audit/export;
// verify-export.ts reads the first kind without any controller.
//
//   {"kind":"head", "format":"opsconductor-audit-v1", "clusterId":…, "publicKeys":[{"id","spki"}], "anchor":null or {…}}
//   {"kind":"row", "entry":{…}}            in the order of the chain; entry is as in GET audit
//   {"kind":"deleted", "position":…, "auditId":…, "hash":…}
//   {"kind":"checkpoint", "position":…, "hash":…, "at":…, "keyId":…, "signature":…}     before the row that it is of
//   {"kind":"end", "rows":…, "checkpoints":…, "position":…, "hash":…, "at":…, "sha256":…,
//    "keyId":…, "signature":…}                                              sha256 is of all lines before
import { createHash } from "node:crypto";
import type { AuditEntry, AuditFilter } from "@opsconductor/contract/api/audit";
import type { ExportEnd } from "@opsconductor/contract/audit-chain";
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { writeAudit } from "./audit.ts";
import { type CheckpointRow, selectAnchor, selectCheckpoints, selectLastLink } from "./audit-chain-queries.ts";
import { selectAudit } from "./audit-queries.ts";
import { chainAudit, chainStart, writeCheckpoint } from "./chain-audit.ts";
import { readChain } from "./check-audit.ts";
import { type CheckpointKey, loadCheckpointKey, signExportEnd } from "./checkpoints.ts";
import { filterValues } from "./list-audit.ts";
import { presentAudit } from "./present-audit.ts";

const batch = 1000;

/** What is exported ends with the row that says who exported it. */
export async function exportAudit(
  ctx: Context,
  actor: Actor,
  { format, ...filter }: AuditFilter & { format: "jsonl" | "csv" },
): Promise<{ fileName: string; contentType: string; body: ReadableStream<Uint8Array> }> {
  if (format === "jsonl") refuseFilters(filter);
  await writeAudit(ctx, ctx.sql, actor, { action: "audit.exported", detail: { format, ...filter } });
  await chainAudit(ctx);
  const day = ctx.now().toISOString().slice(0, 10);
  const lines = format === "csv" ? csvLines(ctx, filter) : jsonLines(ctx);
  return {
    fileName: `audit-${day}.${format}`,
    contentType: format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson",
    body: streamOf(lines),
  };
}

/** A part of the log proves nothing, and who asked for a part must not be given everything. */
function refuseFilters(filter: AuditFilter): void {
  const errors = Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => ({ path: `query.${name}`, message: "is for format=csv; format=jsonl is the whole log" }));
  if (errors.length === 0) return;
  const names = errors.map(({ path }) => path).join(", ");
  throw new OcError(
    "invalid_argument",
    `${names}: leave it out, or ask for format=csv: JSON lines are the whole log.`,
    {
      errors,
    },
  );
}

async function* jsonLines(ctx: Context): AsyncGenerator<string> {
  const key = await loadCheckpointKey(ctx);
  const written = createHash("sha256");
  const lines = chainLines(ctx, key);
  for (;;) {
    const next = await lines.next();
    if (next.done) return yield endLine(ctx, key, { ...next.value, sha256: written.digest("hex") });
    written.update(next.value);
    yield next.value;
  }
}

function endLine({ clusterId }: Context, key: CheckpointKey, end: ExportEnd): string {
  const { signature, ...told } = signExportEnd(key, clusterId, end);
  return line({ kind: "end", ...told, signature: signature.toString("base64") });
}

/** Everything before the end line; returns what that one says. */
async function* chainLines(ctx: Context, key: CheckpointKey): AsyncGenerator<string, Omit<ExportEnd, "sha256">> {
  await writeCheckpoint(ctx, key, { always: true });
  const checkpoints = await selectCheckpoints(ctx.sql);
  const end = (await selectLastLink(ctx.sql))?.position ?? 0n;
  const anchor = await selectAnchor(ctx.sql);
  const spki = key.publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const head = { kind: "head", format: "opsconductor-audit-v1", clusterId: ctx.clusterId };
  yield line({ ...head, publicKeys: [{ id: key.id, spki }], anchor: anchor ? signedLine(anchor) : null });
  const awaited = checkpoints.filter((c) => c.position > (anchor?.position ?? 0n));
  const counts = { rows: 0, checkpoints: awaited.length };
  let last: { position: bigint; hash: Buffer } = anchor ?? chainStart(ctx.clusterId);
  for await (const { position, hash, auditId, record } of readChain(ctx, anchor?.position ?? 0n, end)) {
    while (awaited[0] && awaited[0].position <= position)
      yield line({ kind: "checkpoint", ...signedLine(awaited.shift()!) });
    counts.rows++;
    last = { position, hash };
    if (record) yield line({ kind: "row", entry: presentAudit({ ...record, position, hash }) });
    else yield line({ kind: "deleted", position: Number(position), auditId, hash: hash.toString("hex") });
  }
  for (const checkpoint of awaited) yield line({ kind: "checkpoint", ...signedLine(checkpoint) });
  return { ...counts, position: Number(last.position), hash: last.hash.toString("hex"), at: ctx.now().toISOString() };
}

function signedLine({ position, hash, at, keyId, signature }: CheckpointRow) {
  return { position: Number(position), hash: hash.toString("hex"), at, keyId, signature: signature.toString("base64") };
}

const line = (value: unknown) => `${JSON.stringify(value)}\n`;

const csvColumns: [string, (entry: AuditEntry) => unknown][] = [
  ["at", (e) => e.at],
  ["actor", (e) => e.actor.name],
  ["actorKind", (e) => e.actor.kind],
  ["action", (e) => e.action],
  ["outcome", (e) => e.outcome],
  ["objectKind", (e) => e.object?.kind],
  ["objectName", (e) => e.object?.name],
  ["objectId", (e) => e.object?.id],
  ["address", (e) => e.address],
  ["requestId", (e) => e.requestId],
  ["sessionId", (e) => e.sessionId],
  ["before", (e) => e.before && JSON.stringify(e.before)],
  ["after", (e) => e.after && JSON.stringify(e.after)],
  ["detail", (e) => JSON.stringify(e.detail)],
  ["position", (e) => e.position],
  ["id", (e) => e.id],
];

async function* csvLines(ctx: Context, filter: AuditFilter): AsyncGenerator<string> {
  yield csvLine(csvColumns.map(([name]) => name));
  const values = filterValues(filter);
  for (let before: string | undefined; ; ) {
    const rows = await selectAudit(ctx.sql, values, { before, limit: batch });
    for (const row of rows) {
      const entry = presentAudit(row);
      yield csvLine(csvColumns.map(([, read]) => read(entry)));
    }
    if (rows.length < batch) return;
    before = rows.at(-1)!.id;
  }
}

const csvLine = (values: readonly unknown[]) => `${values.map(csvCell).join(",")}\r\n`;

/** RFC 4180; a text that a spreadsheet would take for a formula is kept one by an apostrophe (OWASP, CSV injection). */
export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function streamOf(lines: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
}
