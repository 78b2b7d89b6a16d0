// A certificate as the controller sends it, as we keep it. Used by enroll.ts, renewal and reauthentication.
import { X509Certificate } from "node:crypto";
import type { Certificate } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { StoredCertificate } from "./state-folder.ts";

/**
 * Its times are those of this host's clock, because they are compared with nothing else: how long it lives is the
 * difference of the controller's two. A host whose clock is a day ahead would otherwise take every new certificate for
 * an expired one. It is dated back by minutes, so it ends a little earlier than this says: the controller's refusal
 * then leads to a new one, as with a clock that jumps later.
 */
export function storedCertificate(certificate: Certificate, keyPem: string): StoredCertificate {
  const chainPem = certificate.chainPem.toString();
  const lifeMs = Number(certificate.notAfterMs) - new X509Certificate(chainPem).validFromDate.getTime();
  const issuedAtMs = Date.now();
  return { keyPem, chainPem, serial: certificate.serial, issuedAtMs, notAfterMs: issuedAtMs + lifeMs };
}
