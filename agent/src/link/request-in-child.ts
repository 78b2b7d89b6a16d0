// Makes a certificate request in a process of its own that ends at once, so that a long-running agent does not carry
// the X.509 library for the rest of its life. main.ts answers the hidden command `certificate-request`.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CertificateRequest } from "./certificate-request.ts";

const run = promisify(execFile);
const certificateRequestCommand = "certificate-request";

/** `program`: the file that this process was started with. The key travels over a pipe, never through argv or files. */
export async function requestInChild(program: string): Promise<CertificateRequest> {
  const args = [...process.execArgv, program, certificateRequestCommand];
  const { stdout } = await run(process.execPath, args, { timeout: 30_000, env: {} });
  const { csr, keyPem } = JSON.parse(stdout) as { csr: string; keyPem: string };
  return { csrDer: Buffer.from(csr, "base64"), keyPem };
}

/** What the child prints. */
export function encodeRequest({ csrDer, keyPem }: CertificateRequest): string {
  return JSON.stringify({ csr: csrDer.toString("base64"), keyPem });
}
