// Windows remote management as [MS-WSMV] has it on the wire, over TLS, with NTLM or Basic; commands do what the test says.
// It answers as the examples of 4.7 do, and refuses what a server must refuse. For remote tests of actions.
import "reflect-metadata";
import { createHmac, randomBytes, randomUUID, webcrypto, X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { ntlmKey } from "../support/ntlm.ts";
import { elementsOf, xmlEscape } from "../support/xml-text.ts";

export interface WinrmCommand {
  command: string;
  environment: Record<string, string>;
  input: string;
}

export interface WinrmReply {
  /** Each Receive is answered with the next of these. `wait`: the operation times out once before. */
  output?: { stream: "stdout" | "stderr"; bytes: string | Buffer; wait?: boolean }[];
  code?: number;
  /** It runs until it is ended. */
  forever?: boolean;
}

interface Shell {
  environment: Record<string, string>;
  commands: Map<
    string,
    { command: string; input: Buffer; replies: NonNullable<WinrmReply["output"]>; waited: boolean }
  >;
}

const user = { username: "ops", domain: "LAB", password: "a long password" };
const shellUri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
const maxInputBytes = 1024 * 1024;

export class WinrmServer {
  readonly authority: string;
  readonly actions: string[] = [];
  reply: (command: WinrmCommand) => WinrmReply = () => ({});
  /** Of the next message, instead of doing what it says. */
  fault: { code: string; message: string } | undefined;
  offers: "Negotiate" | 'Basic realm="WSMAN"' = "Negotiate";
  readonly #server: Server;
  readonly #shells = new Map<string, Shell>();
  readonly #signedIn = new WeakSet<Socket>();
  readonly #challenges = new WeakMap<Socket, { negotiate: Buffer; challenge: Buffer }>();

  private constructor(authority: string, server: Server) {
    this.authority = authority;
    this.#server = server;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(address = "127.0.0.1"): Promise<WinrmServer> {
    const { cert, key } = await selfSigned(address);
    const made = new WinrmServer(cert, createServer({ cert, key }));
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get fingerprint(): string {
    return new X509Certificate(this.authority).fingerprint256;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get openShells(): number {
    return this.#shells.size;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    if (request.url !== "/wsman" || request.method !== "POST") return void response.writeHead(404).end();
    if (!this.#mayEnter(request, response)) return;
    const body = String(Buffer.concat(parts));
    if (body === "") return void response.writeHead(200).end(); // the end of the handshake
    try {
      const { action, content } = this.#answer(body);
      respond(response, 200, body, `${action}Response`, content);
    } catch (error) {
      const { code = "2150858752", message } = error as { code?: string; message: string };
      respond(response, 500, body, "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", faultOf(code, message));
    }
  }

  #mayEnter(request: IncomingMessage, response: ServerResponse): boolean {
    const { authorization = "" } = request.headers;
    const { socket } = request;
    const refuse = (challenge: string) => {
      response.writeHead(401, { "www-authenticate": challenge, "content-length": 0 }).end();
      return false;
    };
    if (this.offers !== "Negotiate") {
      const right = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString("base64")}`;
      return authorization === right || refuse(this.offers);
    }
    if (!authorization.startsWith("Negotiate ")) return this.#signedIn.has(socket) || refuse("Negotiate");
    const message = Buffer.from(authorization.slice(10), "base64");
    if (message.readUInt32LE(8) === 1) {
      const challenge = challengeMessage();
      this.#challenges.set(socket, { negotiate: message, challenge });
      return refuse(`Negotiate ${challenge.toString("base64")}`);
    }
    const begun = this.#challenges.get(socket);
    if (begun === undefined || !isRight(begun.negotiate, begun.challenge, message)) return refuse("Negotiate");
    this.#signedIn.add(socket);
    return true;
  }

  #answer(body: string): { action: string; content: string } {
    const action = one(body, "Action");
    this.actions.push(action.split("/").at(-1)!);
    const fault = this.fault;
    if (fault !== undefined) {
      this.fault = undefined;
      throw Object.assign(new Error(fault.message), { code: fault.code });
    }
    if (one(body, "ResourceURI") !== `${shellUri}/cmd`) throw new Error("The resource URI is not known.");
    return { action, content: this.#perform(action, body) };
  }

  #perform(action: string, body: string): string {
    if (action.endsWith("/transfer/Create")) return this.#create(body);
    const shellId = elementsOf(body, "Selector")[0]?.text ?? "";
    const shell = this.#shells.get(shellId);
    // The code that Windows has for a shell that is gone.
    if (shell === undefined)
      throw Object.assign(new Error("The shell was not found on the server."), { code: "2150858843" });
    switch (action) {
      case `${shellUri}/Command`:
        return this.#command(shell, body);
      case `${shellUri}/Send`:
        return this.#send(shell, body);
      case `${shellUri}/Receive`:
        return this.#receive(shell, body);
      case `${shellUri}/Signal`:
        return this.#signal(shell, body);
      case "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete":
        this.#shells.delete(shellId);
        return "";
      default:
        throw new Error(`The action ${action} is not supported.`);
    }
  }

  #signal(shell: Shell, body: string): string {
    if (one(body, "Code") !== `${shellUri}/signal/terminate`) throw new Error("No such signal.");
    shell.commands.delete(elementsOf(body, "Signal")[0]!.attributes.CommandId!);
    return "<rsp:SignalResponse/>";
  }

  #create(body: string): string {
    const options = Object.fromEntries(
      elementsOf(body, "Option").map(({ attributes, text }) => [attributes.Name, text]),
    );
    if (options.WINRS_CODEPAGE !== "65001") throw new Error("The client reads UTF-8 and must say so.");
    const variables = elementsOf(body, "Variable").map(({ attributes, text }) => [attributes.Name!, text] as const);
    const id = randomUUID().toUpperCase();
    this.#shells.set(id, { environment: Object.fromEntries(variables), commands: new Map() });
    return `<x:ResourceCreated xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address><a:ReferenceParameters><w:ResourceURI>${shellUri}/cmd</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">${id}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>`;
  }

  #command(shell: Shell, body: string): string {
    const id = randomUUID().toUpperCase();
    shell.commands.set(id, { command: one(body, "Command"), input: Buffer.alloc(0), replies: [], waited: false });
    return `<rsp:CommandResponse><rsp:CommandId>${id}</rsp:CommandId></rsp:CommandResponse>`;
  }

  #send(shell: Shell, body: string): string {
    const [{ attributes, text }] = elementsOf(body, "Stream") as [ReturnType<typeof elementsOf>[number]];
    const command = shell.commands.get(attributes.CommandId!);
    if (command === undefined || attributes.Name !== "stdin") throw new Error("There is no such stream.");
    command.input = Buffer.concat([command.input, Buffer.from(text, "base64")]);
    if (command.input.length > maxInputBytes) throw new Error("Too much input.");
    return "<rsp:SendResponse/>";
  }

  /** 3.1.4.14: one piece of output for each, and 2150858793 when there is none in time. */
  #receive(shell: Shell, body: string): string {
    const id = elementsOf(body, "DesiredStream")[0]!.attributes.CommandId!;
    const running = shell.commands.get(id);
    if (running === undefined) throw Object.assign(new Error("The command was ended."), { code: "995" });
    const { command, input } = running;
    const {
      output = [],
      code = 0,
      forever,
    } = this.reply({ command, environment: shell.environment, input: String(input) });
    const next = output[running.replies.length];
    if (forever || (next?.wait && !running.waited)) {
      running.waited = true;
      const message =
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.";
      throw Object.assign(new Error(message), { code: "2150858793" });
    }
    if (next !== undefined) running.replies.push(next);
    const stream = (piece: typeof next) =>
      piece === undefined
        ? ""
        : `<rsp:Stream Name="${piece.stream}" CommandId="${id}">${Buffer.from(piece.bytes).toString("base64")}</rsp:Stream>`;
    const isDone = running.replies.length === output.length;
    const ends = ["stdout", "stderr"]
      .map((name) => `<rsp:Stream Name="${name}" CommandId="${id}" End="TRUE"></rsp:Stream>`)
      .join("");
    const state = isDone
      ? `${ends}<rsp:CommandState CommandId="${id}" State="${shellUri}/CommandState/Done"><rsp:ExitCode>${code}</rsp:ExitCode></rsp:CommandState>`
      : `<rsp:CommandState CommandId="${id}" State="${shellUri}/CommandState/Running"/>`;
    return `<rsp:ReceiveResponse>${stream(next)}${state}</rsp:ReceiveResponse>`;
  }
}

/** As a machine with Windows makes it for itself. */
async function selfSigned(address: string): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=lab",
    notAfter: new Date(Date.now() + 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: address }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    cert: certificate.toString("pem"),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

function one(body: string, name: string): string {
  const found = elementsOf(body, name)[0]?.text.trim();
  if (found === undefined) throw new Error(`The message has no ${name}.`);
  return found;
}

function respond(response: ServerResponse, status: number, request: string, action: string, content: string): void {
  const relates = elementsOf(request, "MessageID")[0]?.text ?? "";
  const names = `xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="${shellUri}"`;
  const header = `<a:Action>${action}</a:Action><a:MessageID>uuid:${randomUUID()}</a:MessageID><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:RelatesTo>${relates}</a:RelatesTo>`;
  response.writeHead(status, { "content-type": "application/soap+xml;charset=UTF-8" });
  response.end(
    `<s:Envelope xml:lang="en-US" ${names}><s:Header>${header}</s:Header><s:Body>${content}</s:Body></s:Envelope>`,
  );
}

/** As in 4.10. */
function faultOf(code: string, message: string): string {
  const text = xmlEscape(message);
  return `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:TimedOut</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">${text}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="${code}" Machine="lab"><f:Message>${text}</f:Message></f:WSManFault></s:Detail></s:Fault>`;
}

/** [MS-NLMP] 2.2.1.2, with the names of the server and the time, as Windows sends it. */
function challengeMessage(): Buffer {
  const name = Buffer.from("LAB", "utf16le");
  const pair = (id: number, value: Buffer) => Buffer.concat([Buffer.from([id, 0, value.length, 0]), value]);
  const info = Buffer.concat([pair(2, name), pair(1, name), pair(7, Buffer.alloc(8, 1)), pair(0, Buffer.alloc(0))]);
  const head = Buffer.alloc(56);
  head.write("NTLMSSP\0", "latin1");
  head.writeUInt32LE(2, 8);
  for (const [at, length, place] of [
    [12, name.length, 56],
    [40, info.length, 56 + name.length],
  ] as const) {
    head.writeUInt16LE(length, at);
    head.writeUInt16LE(length, at + 2);
    head.writeUInt32LE(place, at + 4);
  }
  head.writeUInt32LE(0xa2898205, 20);
  randomBytes(8).copy(head, 24);
  return Buffer.concat([head, name, info]);
}

/** 3.3.2 and the MIC of 3.1.5.1.2, both computed anew. */
function isRight(negotiate: Buffer, challenge: Buffer, message: Buffer): boolean {
  const field = (index: number) => {
    const at = 12 + index * 8;
    return message.subarray(message.readUInt32LE(at + 4), message.readUInt32LE(at + 4) + message.readUInt16LE(at));
  };
  const hmac = (key: Buffer, ...rest: Buffer[]) => createHmac("md5", key).update(Buffer.concat(rest)).digest();
  const [nt, domain, name] = [field(1), field(2).toString("utf16le"), field(3).toString("utf16le")];
  if (name !== user.username || domain !== user.domain) return false;
  const key = ntlmKey(user);
  const proof = hmac(key, challenge.subarray(24, 32), nt.subarray(16));
  const withoutMic = Buffer.from(message);
  withoutMic.fill(0, 72, 88);
  const mic = hmac(hmac(key, proof), negotiate, challenge, withoutMic);
  return proof.equals(nt.subarray(0, 16)) && mic.equals(message.subarray(72, 88));
}
