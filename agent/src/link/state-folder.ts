// What the agent keeps about who it is: identity, certificates in two slots, the authorities it trusts. One folder, 0700,
// files 0600. The journal lives beside it.
import { join, resolve } from "node:path";
import { makePrivateFolder, moveDurably, readText, removeDurably, writeDurably } from "./durable-file.ts";

/** The keys that make this host this host; made before the first enrolment, so that asking twice is asking the same. */
export interface HostKeys {
  /** Ed25519, PKCS #8 PEM. */
  identityKeyPem: string;
  /** X25519, 32 bytes base64. */
  sealingSecretKey: string;
  sealingPublicKey: string;
}

export interface Identity extends HostKeys {
  clusterId: string;
  agentId: string;
  agentName: string;
  /** host:port as the controller says agents shall dial it. */
  agentAddress: string;
  apiAddress: string;
  /** The host by which the enrolment reached the controller: tried when the addresses above do not answer. */
  reachedBy: string;
}

export interface StoredCertificate {
  keyPem: string;
  chainPem: string;
  serial: string;
  /** Both by this host's clock. */
  issuedAtMs: number;
  notAfterMs: number;
}

export type CertificateSlot = "current" | "next";

export class StateFolder {
  /** Absolute: steps start in folders of their own, and find the journal by it. */
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
    makePrivateFolder(this.path);
  }

  keys(): HostKeys | undefined {
    return this.#read<HostKeys>("keys.json");
  }

  saveKeys(keys: HostKeys): void {
    this.#write("keys.json", keys);
  }

  identity(): Identity | undefined {
    return this.#read<Identity>("identity.json");
  }

  saveIdentity(identity: Identity): void {
    this.#write("identity.json", identity);
  }

  certificate(slot: CertificateSlot): StoredCertificate | undefined {
    return this.#read<StoredCertificate>(`certificate-${slot}.json`);
  }

  /** On disk when this returns: a certificate is never used before that. */
  saveCertificate(slot: CertificateSlot, certificate: StoredCertificate): void {
    this.#write(`certificate-${slot}.json`, certificate);
  }

  /** The next certificate worked: the one before it is gone for good. */
  promoteNext(): void {
    moveDurably(this.file("certificate-next.json"), this.file("certificate-current.json"));
  }

  dropNext(): void {
    removeDurably(this.file("certificate-next.json"));
  }

  /** PEM of all authorities to trust. */
  authorities(): string | undefined {
    return readText(this.file("ca.pem"));
  }

  saveAuthorities(pem: string): void {
    writeDurably(this.file("ca.pem"), pem);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  #read<T>(name: string): T | undefined {
    const text = readText(this.file(name));
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  #write(name: string, value: unknown): void {
    writeDurably(this.file(name), `${JSON.stringify(value, undefined, 2)}\n`);
  }
}
