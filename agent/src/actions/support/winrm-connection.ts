// One connection over TLS to the Windows remote management of a machine, signed in with NTLM or Basic. The certificate is
// checked before anything is sent. Used by winrm-shell.ts.
import { createHash, type X509Certificate } from "node:crypto";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { ActionFailed } from "../action.ts";
import { authenticateMessage, negotiateMessage } from "./ntlm.ts";

export interface WinrmTarget {
  host: string;
  port: number;
  auth: "ntlm" | "basic";
  username: string;
  password: string;
  /** Of a certificate that is trusted whoever signed it, as 64 hexadecimal digits. */
  fingerprint?: string | undefined;
  authority?: string | undefined;
  connectTimeoutMs: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

const maxAnswerBytes = 16 * 1024 * 1024;
const path = "/wsman";

export class WinrmConnection {
  readonly #target: WinrmTarget;
  readonly #socket: TLSSocket;
  readonly #agent: Agent;
  readonly #certificateHash: Buffer;

  private constructor(target: WinrmTarget, { socket, certificate }: Connected) {
    this.#target = target;
    this.#socket = socket;
    this.#certificateHash = certificateHash(certificate);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#agent.createConnection = () => socket;
  }

  static async open(target: WinrmTarget): Promise<WinrmConnection> {
    const connection = new WinrmConnection(target, await connectTls(target));
    try {
      if (target.auth === "ntlm") await connection.#signIn();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
    this.#socket.destroy();
  }

  async post(body: string): Promise<HttpAnswer> {
    const { auth, username, password } = this.#target;
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const answer = await this.#send(body, auth === "basic" ? { authorization: basic } : {});
    if (answer.status === 401) throw this.#refused(answer);
    return answer;
  }

  /** NTLM signs in the connection, with two empty requests: [MS-NTHT], 3. */
  async #signIn(): Promise<void> {
    const negotiate = negotiateMessage();
    const first = await this.#send("", { authorization: `Negotiate ${negotiate.toString("base64")}` });
    const challenge = /\b(?:Negotiate|NTLM) ([A-Za-z0-9+/=]+)/.exec(first.headers["www-authenticate"] ?? "")?.[1];
    if (first.status !== 401 || challenge === undefined) throw this.#refused(first);
    const { username, password, host } = this.#target;
    const user = { ...accountOf(username), password };
    let message: Buffer;
    try {
      message = authenticateMessage(user, negotiate, Buffer.from(challenge, "base64"), this.#certificateHash);
    } catch (error) {
      throw new ActionFailed(`${host}: ${(error as Error).message}`, { cause: error });
    }
    const second = await this.#send("", { authorization: `Negotiate ${message.toString("base64")}` });
    if (second.status === 401) throw this.#refused(second);
  }

  #refused({ status, headers }: HttpAnswer): ActionFailed {
    const { host, auth, username } = this.#target;
    const offers = headers["www-authenticate"] ?? "";
    const other = auth === "basic" ? !/basic/i.test(offers) : !/negotiate|ntlm/i.test(offers);
    if (status !== 401) return new ActionFailed(`${host} is no Windows remote management: it answers with ${status}`);
    return new ActionFailed(
      other
        ? `${host} does not sign in with ${auth}: it offers ${offers.replaceAll(/\s*realm="[^"]*"/gi, "") || "nothing"}`
        : `${host} refuses the user ${username} or the password`,
    );
  }

  #send(body: string, headers: Record<string, string>): Promise<HttpAnswer> {
    const { host, port } = this.#target;
    const content = Buffer.from(body);
    const fixed = { "content-type": "application/soap+xml;charset=UTF-8", "content-length": content.length };
    const options = { method: "POST", path, host, port, agent: this.#agent, headers: { ...fixed, ...headers } };
    return new Promise((resolve, reject) => {
      const lost = (error: Error) =>
        reject(new ActionFailed(`the connection to ${host} was lost: ${error.message}`, { cause: error }));
      const sent = httpRequest(options, (message) => {
        const parts: Buffer[] = [];
        let length = 0;
        message.on("data", (part: Buffer) => {
          length += part.length;
          if (length > maxAnswerBytes) sent.destroy(new Error("its answer is too long"));
          else parts.push(part);
        });
        message.on("error", lost);
        message.on("end", () =>
          resolve({ status: message.statusCode!, headers: message.headers, body: String(Buffer.concat(parts)) }),
        );
      });
      sent.on("error", lost);
      sent.end(content);
    });
  }
}

interface Connected {
  socket: TLSSocket;
  certificate: X509Certificate;
}

async function connectTls(target: WinrmTarget): Promise<Connected> {
  const { host, port, fingerprint, authority, connectTimeoutMs } = target;
  const socket = connect({
    ...{ host, port, rejectUnauthorized: fingerprint === undefined },
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authority === undefined ? {} : { ca: authority }),
  });
  const timer = setTimeout(
    () => socket.destroy(new Error(`no answer within ${connectTimeoutMs / 1000} s`)),
    connectTimeoutMs,
  );
  try {
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  } catch (error) {
    throw new ActionFailed(reasonOf(error as NodeJS.ErrnoException, target), { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const certificate = socket.getPeerX509Certificate()!; // Node gives it once
  const seen = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  socket.on("error", () => {}); // each request tells
  if (fingerprint === undefined || seen === fingerprint) return { socket, certificate };
  socket.destroy();
  throw new ActionFailed(
    `${host} has the certificate ${seen}, not ${fingerprint}: another machine answers, or it was changed`,
  );
}

/** Errors of the certificate have codes that openssl-verify(1) lists. */
function reasonOf(error: NodeJS.ErrnoException, { host, port }: WinrmTarget): string {
  const isCertificate = /CERT|SIGNED|ISSUER|ALTNAME|SIGNATURE/.test(error.code ?? "");
  if (!isCertificate) return `${host} cannot be reached at port ${port}: ${error.message || error.code}`;
  return `the certificate of ${host} is not trusted (${error.message}): give certificateFingerprint, or add certificateAuthority to the credential`;
}

/** RFC 5929, 4.1: with the hash of its signature, and SHA-256 for the weak ones. */
function certificateHash(certificate: X509Certificate): Buffer {
  const algorithm = (certificate as { signatureAlgorithm?: string }).signatureAlgorithm ?? "";
  const bits = /sha-?(384|512)/i.exec(algorithm)?.[1] ?? "256";
  return createHash(`sha${bits}`).update(certificate.raw).digest();
}

/** DOMAIN\user; user@domain is resolved on the other side. */
function accountOf(name: string): { username: string; domain: string } {
  const at = name.indexOf("\\");
  return at === -1 ? { username: name, domain: "" } : { username: name.slice(at + 1), domain: name.slice(0, at) };
}
