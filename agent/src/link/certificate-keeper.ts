// Which certificate to dial with, and when to get a new one: two slots on disk, the next one first. Used by link.ts.
import type {
  AgentServiceClient,
  RenewCertificateRequest,
  RenewCertificateResponse,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { Logger } from "pino";
import type { RequestMaker } from "./certificate-request.ts";
import type { CertificateSlot, StateFolder, StoredCertificate } from "./state-folder.ts";
import { storedCertificate } from "./stored-certificate.ts";
import { unary } from "./unary.ts";

const withinMs = 15_000;
const retryAfterMs = 60_000;
/** A certificate that would expire during the handshake is no use. */
const marginMs = 1_000;

export interface ChosenCertificate {
  slot: CertificateSlot;
  certificate: StoredCertificate;
}

export class CertificateKeeper {
  readonly #state: StateFolder;
  readonly #makeRequest: RequestMaker;
  readonly #log: Logger;
  /** Serials that the controller refused, although their time is not over. */
  readonly #refused = new Set<string>();
  #renewAtMs: number | undefined;
  #renewing = false;

  constructor(state: StateFolder, makeRequest: RequestMaker, log: Logger) {
    this.#state = state;
    this.#makeRequest = makeRequest;
    this.#log = log;
  }

  /** Undefined when there is none to try: this host must prove itself by its identity key. */
  choose(nowMs: number): ChosenCertificate | undefined {
    for (const slot of ["next", "current"] as const) {
      const certificate = this.#state.certificate(slot);
      const usable = certificate && certificate.notAfterMs > nowMs + marginMs && !this.#refused.has(certificate.serial);
      if (usable) return { slot, certificate };
    }
    return undefined;
  }

  refuse({ certificate }: ChosenCertificate): void {
    this.#refused.add(certificate.serial);
  }

  /** The controller welcomed us with it. */
  accept({ slot, certificate }: ChosenCertificate, random: number): void {
    if (slot === "next") this.#state.promoteNext();
    else this.#state.dropNext(); // an answer that got lost; the controller forgets it with the next renewal
    const lifeMs = certificate.notAfterMs - certificate.issuedAtMs;
    this.#renewAtMs = certificate.issuedAtMs + lifeMs * (0.4 + 0.2 * random); // half life ± 10 % of the life
  }

  renewSoon(): void {
    this.#renewAtMs = 0;
  }

  /** True when a new certificate lies in the next slot, on disk: dial again to use it. Never rejects. */
  async renewIfDue(client: AgentServiceClient, nowMs: number): Promise<boolean> {
    if (this.#renewing || this.#renewAtMs === undefined || nowMs < this.#renewAtMs) return false;
    this.#renewing = true;
    this.#renewAtMs = nowMs + retryAfterMs;
    try {
      const { csrDer, keyPem } = await this.#makeRequest();
      const call = client.renewCertificate.bind(client);
      const { certificate } = await unary<RenewCertificateRequest, RenewCertificateResponse>(
        call,
        { csrDer },
        withinMs,
      );
      if (!certificate) throw new Error("The controller answered without a certificate");
      this.#state.saveCertificate("next", storedCertificate(certificate, keyPem));
      this.#log.info({ serial: certificate.serial }, "link.certificate_renewed");
      return true;
    } catch (error) {
      this.#log.warn({ err: error }, "link.certificate_not_renewed");
      return false;
    } finally {
      this.#renewing = false;
    }
  }
}
