// What an agent keeps of the audit log, from the file of `opsconductor-agent audit --json` (or the one in its state
// folder). Read by audit-verify.ts.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { NotAnExport } from "./verify-export.ts";
import type { WitnessCheckpoint } from "./witnesses.ts";

const kept = z.object({
  position: z.number().int(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.string(),
  keyId: z.string(),
  signature: z.base64(),
  publicKey: z.base64(),
  generation: z.number().int(),
});
const keptFile = z.object({
  checkpoints: z.array(kept),
  fork: z.object({ kept, told: kept }).optional(),
});

export function readWitness(path: string): WitnessCheckpoint[] {
  const parsed = keptFile.safeParse(parseJson(path));
  if (!parsed.success) throw new NotAnExport(`${path} is not what "opsconductor-agent audit --json" prints`);
  const { checkpoints, fork } = parsed.data;
  const from = basename(path);
  return [...checkpoints, ...(fork ? [fork.kept, fork.told] : [])].map((c) => ({
    ...{ position: BigInt(c.position), at: c.at, keyId: c.keyId, generation: c.generation, from },
    hash: Buffer.from(c.hash, "hex"),
    signature: Buffer.from(c.signature, "base64"),
    publicKey: Buffer.from(c.publicKey, "base64"),
  }));
}

function parseJson(path: string): unknown {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NotAnExport(`${path} is not JSON`, { cause });
  }
}
