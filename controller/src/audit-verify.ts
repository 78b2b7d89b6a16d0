// npm run audit-verify -- FILE: checks an export of the audit log on any machine. Exit code 0: nothing was changed; 1:
// something was, and where; 2: the file is no export.
import type { AuditVerification } from "@opsconductor/contract/api/audit";
import { NotAnExport, verifyExport } from "./communication/verify-export.ts";

const [file] = process.argv.slice(2);
if (file === undefined || file.startsWith("-")) {
  process.stderr.write("Usage: npm run audit-verify -- FILE\n  FILE is an export of the audit log as JSON lines.\n");
  process.exit(2);
}
try {
  const result = await verifyExport(file);
  process.stdout.write(describe(result));
  process.exit(result.ok ? 0 : 1);
} catch (error) {
  const expected = error instanceof NotAnExport || (error as NodeJS.ErrnoException).code !== undefined;
  if (!expected) throw error;
  process.stderr.write(`${(error as Error).message}.\n`);
  process.exit(2);
}

function describe({ ok, rows, checkpoints, lastPosition, lastHash, keys, problems }: AuditVerification): string {
  return [
    ...problems.map((p) => `✗ ${p.position > 0 ? `position ${p.position}: ` : ""}${p.message}`),
    `${ok ? "✓ Nothing was changed" : `✗ ${problems.length} problems`} in ${rows} rows with ${checkpoints} checkpoints.`,
    `  ends at position ${lastPosition} with hash ${lastHash}`,
    ...keys.map((key) => `  the export's key is ${key}`),
    "",
  ].join("\n");
}
