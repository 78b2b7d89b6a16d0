// TLS for the two listeners. Not grpc-js's createSsl: that accepts a resumed session without a client certificate, and
// TLS 1.2 (tried with 1.14.7; credentials.wire.test.ts holds these to it).
import { constants } from "node:crypto";
import type { SecureServerOptions } from "node:http2";
import { ServerCredentials } from "@grpc/grpc-js";
import type { ServerCertificate } from "../fleet/certificate-authority.ts";

const handshakeTimeoutMs = 10_000;

function tlsOptions(certificate: ServerCertificate, ca: string | undefined): SecureServerOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    cert: certificate.chainPem,
    key: certificate.keyPem,
    minVersion: "TLSv1.3",
    // No resumption at all: every connection shows its certificate. One handshake a connection is what it costs.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** For agents: a certificate of the cluster's authority is required. */
export class MtlsServerCredentials extends ServerCredentials {
  readonly #ca: string;
  constructor(ca: string, certificate: ServerCertificate) {
    const tls = tlsOptions(certificate, ca);
    // In both: an update sets the context from the second only.
    super({ ...tls, requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeTimeoutMs }, tls);
    this.#ca = ca;
  }
  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
  /** New connections get the new certificate; open ones are not touched. */
  reload(certificate: ServerCertificate): void {
    this.updateSecureContextOptions(tlsOptions(certificate, this.#ca));
  }
}

/** For hosts that enrol and programs that bring a token. */
export class TlsServerCredentials extends ServerCredentials {
  constructor(certificate: ServerCertificate) {
    const tls = tlsOptions(certificate, undefined);
    super({ ...tls, handshakeTimeout: handshakeTimeoutMs }, tls);
  }
  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
  reload(certificate: ServerCertificate): void {
    this.updateSecureContextOptions(tlsOptions(certificate, undefined));
  }
}
