// npm run audit-verify -- FILE [--key FINGERPRINT] [--witness FILE]…: checks an export of the audit log on any machine.
// Exit code 0: nothing was changed; 1: something was, and where; 2: the file is no export.
import { parseArgs } from "node:util";
import type { AuditVerification } from "@opsconductor/contract/api/audit";
import { readWitness } from "./communication/read-witness.ts";
import { NotAnExport, verifyExport } from "./communication/verify-export.ts";

const usage = `Usage: npm run audit-verify -- FILE [--key FINGERPRINT] [--witness FILE]…
  FILE is an export of the audit log as JSON lines.
  --key: the fingerprint that the console shows: an export that was signed with another key is refused.
  --witness: what an agent keeps of it, as "opsconductor-agent audit --json" prints it.
`;

try {
  const { values, positionals } = parseArgs({
    options: { key: { type: "string" }, witness: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  if (positionals.length !== 1) throw new TypeError("There must be one FILE");
  const result = await verifyExport(positionals[0]!, (values.witness ?? []).flatMap(readWitness));
  const { key } = values;
  const isTrusted = key === undefined || result.keys.every((shown) => digitsOf(shown) === digitsOf(key));
  process.stdout.write(isTrusted ? "" : `✗ The export's key is another one than ${key}: somebody else signed it\n`);
  process.stdout.write(describe(result));
  process.exit(result.ok && isTrusted ? 0 : 1);
} catch (error) {
  const isUsage = error instanceof TypeError;
  const expected = isUsage || error instanceof NotAnExport || (error as NodeJS.ErrnoException).code !== undefined;
  if (!expected) throw error;
  process.stderr.write(`${(error as Error).message}.\n${isUsage ? usage : ""}`);
  process.exit(2);
}

function digitsOf(fingerprint: string): string {
  return fingerprint.replaceAll(/\D/g, "");
}

function describe(verification: AuditVerification): string {
  const { ok, rows, checkpoints, witnesses, firstPosition, lastPosition, lastHash, keys, problems } = verification;
  return [
    ...problems.map((p) => `✗ ${p.position > 0 ? `position ${p.position}: ` : ""}${p.message}`),
    `${ok ? "✓ Nothing was changed" : `✗ ${problems.length} problems`} in ${rows} rows with ${checkpoints} checkpoints.`,
    ...(firstPosition > 1 ? [`  begins at position ${firstPosition}: retention removed what was before`] : []),
    ...(witnesses > 0 ? [`  ${witnesses} checkpoints that agents keep agree`] : []),
    `  ends at position ${lastPosition} with hash ${lastHash}`,
    ...keys.map((key) => `  the export's key is ${key}`),
    "",
  ].join("\n");
}
