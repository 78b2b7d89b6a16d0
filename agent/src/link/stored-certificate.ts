// A certificate as the controller sends it, as we keep it. Used by enroll.ts, renewal and reauthentication.
import type { Certificate } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { StoredCertificate } from "./state-folder.ts";

export function storedCertificate(certificate: Certificate, keyPem: string): StoredCertificate {
  return {
    keyPem,
    chainPem: certificate.chainPem.toString(),
    serial: certificate.serial,
    issuedAtMs: Date.now(),
    notAfterMs: Number(certificate.notAfterMs),
  };
}
