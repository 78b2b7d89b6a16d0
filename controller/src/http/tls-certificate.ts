// The certificate of the console and the REST API: the operator's own files, or one from the controller's authority.
// Looked at again every minute, so that renewed files and certificates serve without a restart.
import { readFileSync } from "node:fs";
import { publicUrl } from "../addresses.ts";
import type { Context } from "../context.ts";
import { machineNames } from "../fleet/certificate-authority.ts";
import { StartRefused } from "../start-refused.ts";

export interface TlsCertificate {
  cert: string;
  key: string;
  /** When a new one should be taken; undefined for files, which are read again each time. */
  renewAt: Date | undefined;
}

export async function loadTlsCertificate(ctx: Context): Promise<TlsCertificate> {
  const { tlsCertFile, tlsKeyFile, httpAddr } = ctx.config;
  if (tlsCertFile && tlsKeyFile)
    return {
      cert: read("OC_TLS_CERT_FILE", tlsCertFile),
      key: read("OC_TLS_KEY_FILE", tlsKeyFile),
      renewAt: undefined,
    };
  const names = machineNames([httpAddr.host, new URL(publicUrl(ctx.config)).hostname.replace(/^\[|\]$/g, "")]);
  const issued = await ctx.authority.issueHttpCertificate(names);
  const halfLife = (issued.notAfter.getTime() - ctx.now().getTime()) / 2;
  return { cert: issued.chainPem, key: issued.keyPem, renewAt: new Date(ctx.now().getTime() + halfLife) };
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new StartRefused(`${setting}: ${(cause as Error).message}`, { exitCode: 2, cause });
  }
}
