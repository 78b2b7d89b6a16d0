// An authenticator in software for tests: makes passkeys and signs with them as a browser would hand it on (WebAuthn 3,
// 6.1 and 6.5.4), and, unlike a browser, wrongly when the test says so.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest();
const flag = { userPresent: 0x01, userVerified: 0x04, attested: 0x40 };

interface Options {
  challenge: string;
  rpId?: string;
  rp?: { id?: string };
}
export interface Behaviour {
  origin?: string;
  rpId?: string;
  userVerified?: boolean;
  /** Instead of one more than at the last use. */
  counter?: number;
}

export class SoftwareAuthenticator {
  readonly credentialId = randomBytes(32);
  readonly #key: KeyObject;
  readonly #x: Buffer;
  readonly #y: Buffer;
  #counter = 0;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x, y } = publicKey.export({ format: "jwk" }) as { x: string; y: string };
    this.#key = privateKey;
    this.#x = Buffer.from(x, "base64url");
    this.#y = Buffer.from(y, "base64url");
  }

  create(options: Options, behaviour: Behaviour = {}) {
    const authData = this.#authData(options, behaviour, this.#attested());
    const head = Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746159", "hex"); // {fmt: none, authData
    const attestation = Buffer.concat([head, uint16(authData.length), authData]);
    return this.#answer({
      clientDataJSON: clientData("webauthn.create", options, behaviour),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    });
  }

  get(options: Options, behaviour: Behaviour = {}) {
    const authData = this.#authData(options, behaviour);
    const clientDataJSON = clientData("webauthn.get", options, behaviour);
    const signed = Buffer.concat([authData, sha256(Buffer.from(clientDataJSON, "base64url"))]);
    const signature = sign("sha256", signed, this.#key).toString("base64url");
    return this.#answer({ clientDataJSON, authenticatorData: authData.toString("base64url"), signature });
  }

  #answer(response: Record<string, unknown>) {
    const id = this.credentialId.toString("base64url");
    return { id, rawId: id, type: "public-key", response, clientExtensionResults: {} };
  }

  #authData({ rpId, rp }: Options, behaviour: Behaviour, attested: Buffer = Buffer.alloc(0)): Buffer {
    this.#counter = behaviour.counter ?? this.#counter + 1;
    const verified = (behaviour.userVerified ?? true) ? flag.userVerified : 0;
    const flags = flag.userPresent | verified | (attested.length > 0 ? flag.attested : 0);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.#counter);
    return Buffer.concat([sha256(behaviour.rpId ?? rpId ?? rp!.id!), Buffer.of(flags), counter, attested]);
  }

  #attested(): Buffer {
    const key = [Buffer.from("a5010203262001215820", "hex"), this.#x, Buffer.from("225820", "hex"), this.#y]; // COSE ES256
    return Buffer.concat([Buffer.alloc(16), uint16(this.credentialId.length), this.credentialId, ...key]);
  }
}

function clientData(type: string, { challenge }: Options, { origin = "http://localhost:3000" }: Behaviour): string {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false })).toString("base64url");
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
