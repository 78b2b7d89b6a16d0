// A text-based command shell on a machine with Windows: [MS-WSMV] 3.1.4.1.31 and its examples in 4.7. Used by winrm.ts.
import { randomUUID } from "node:crypto";
import { ActionFailed } from "../action.ts";
import type { WinrmConnection } from "./winrm-connection.ts";
import { elementsOf, xmlEscape } from "./xml-text.ts";

const shellUri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
const transfer = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
const namespaces = [
  'xmlns:s="http://www.w3.org/2003/05/soap-envelope"',
  'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"',
  'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"',
  `xmlns:rsp="${shellUri}"`,
].join(" ");
/** How long a Receive waits for output, before it is asked again. */
const operationTimeoutS = 20;
/** 3.1.4.14: no output within the time of the operation; ask again. */
const noOutputYet = "2150858793";
/** Of input in one message: as base64 within the smallest envelope that a server may insist on. */
const inputPart = 64 * 1024;
const utf8CodePage = 65001;

export interface WinrmOutput {
  stream: "stdout" | "stderr";
  bytes: Buffer;
}

interface Message {
  action: string;
  options?: Record<string, string>;
  body: string;
}

export class WinrmShell {
  readonly #connection: WinrmConnection;
  readonly #host: string;
  #id: string | undefined;

  constructor(connection: WinrmConnection, host: string) {
    this.#connection = connection;
    this.#host = host;
  }

  /** The same one, when the connection is busy with a Receive. */
  through(connection: WinrmConnection): WinrmShell {
    const same = new WinrmShell(connection, this.#host);
    same.#id = this.#id;
    return same;
  }

  /** 3.1.4.5.2, Create. Values are elements of the message: they never meet a command line. */
  async create(environment: Record<string, string>): Promise<void> {
    const variables = Object.entries(environment).map(
      ([name, value]) => `<rsp:Variable Name="${xmlEscape(name)}">${xmlEscape(value)}</rsp:Variable>`,
    );
    const answer = await this.#ask({
      action: `${transfer}/Create`,
      options: { WINRS_NOPROFILE: "TRUE", WINRS_CODEPAGE: String(utf8CodePage) },
      body: `<rsp:Shell>${variables.length > 0 ? `<rsp:Environment>${variables.join("")}</rsp:Environment>` : ""}<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>`,
    });
    const selectors = elementsOf(answer, "Selector");
    this.#id = selectors.find(({ attributes }) => attributes.Name === "ShellId")?.text.trim();
    if (!this.#id) throw new ActionFailed(`${this.#host} made a shell and did not say which`);
  }

  /** 3.1.4.11, Command. The answer names it. */
  async start(command: string): Promise<string> {
    const answer = await this.#ask({
      action: `${shellUri}/Command`,
      options: { WINRS_CONSOLEMODE_STDIN: "FALSE", WINRS_SKIP_CMD_SHELL: "FALSE" },
      body: `<rsp:CommandLine><rsp:Command>${xmlEscape(command)}</rsp:Command></rsp:CommandLine>`,
    });
    const id = elementsOf(answer, "CommandId")[0]?.text.trim();
    if (!id) throw new ActionFailed(`${this.#host} started the command and did not say which`);
    return id;
  }

  /** 3.1.4.13, Send, all of it and its end. */
  async input(command: string, content: Buffer): Promise<void> {
    for (let at = 0; at === 0 || at < content.length; at += inputPart) {
      const end = at + inputPart >= content.length ? ' End="TRUE"' : "";
      const part = content.subarray(at, at + inputPart).toString("base64");
      const stream = `<rsp:Stream Name="stdin" CommandId="${xmlEscape(command)}"${end}>${part}</rsp:Stream>`;
      await this.#ask({ action: `${shellUri}/Send`, body: `<rsp:Send>${stream}</rsp:Send>` });
    }
  }

  /** 3.1.4.14, Receive, until the command is done; its exit code. */
  async receive(command: string, take: (output: WinrmOutput) => void): Promise<number> {
    const wanted = `<rsp:DesiredStream CommandId="${xmlEscape(command)}">stdout stderr</rsp:DesiredStream>`;
    for (;;) {
      const answer = await this.#ask(
        { action: `${shellUri}/Receive`, body: `<rsp:Receive>${wanted}</rsp:Receive>` },
        noOutputYet,
      );
      for (const { attributes, text } of elementsOf(answer, "Stream"))
        if (attributes.Name === "stdout" || attributes.Name === "stderr")
          take({ stream: attributes.Name, bytes: Buffer.from(text, "base64") });
      const state = elementsOf(answer, "CommandState")[0];
      if (!state?.attributes.State?.endsWith("/CommandState/Done")) continue;
      const code = elementsOf(state.inner, "ExitCode")[0]?.text.trim() ?? "";
      if (/^-?\d+$/.test(code)) return Number(code);
      throw new ActionFailed(`the command ended on ${this.#host} and nobody knows how: there is no exit code`);
    }
  }

  /** 3.1.4.12, Signal: it ends, if it has not. */
  async terminate(command: string): Promise<void> {
    const code = `<rsp:Code>${shellUri}/signal/terminate</rsp:Code>`;
    const body = `<rsp:Signal CommandId="${xmlEscape(command)}">${code}</rsp:Signal>`;
    await this.#ask({ action: `${shellUri}/Signal`, body });
  }

  /** 3.1.4.4.1, Delete. What runs in it ends. */
  async delete(): Promise<void> {
    if (this.#id !== undefined) await this.#ask({ action: `${transfer}/Delete`, body: "" });
  }

  /** The answer's envelope; empty for a fault with the code `expected`. */
  async #ask({ action, options = {}, body }: Message, expected?: string): Promise<string> {
    const id = `uuid:${randomUUID().toUpperCase()}`;
    const { status, body: answer } = await this.#connection.post(this.#envelope(id, action, options, body));
    const fault = elementsOf(answer, "Fault")[0];
    if (fault !== undefined) {
      const detail = elementsOf(fault.inner, "WSManFault")[0];
      if (expected !== undefined && detail?.attributes.Code === expected) return "";
      throw new ActionFailed(`${this.#host}: ${faultText(fault.inner)}`);
    }
    if (status !== 200) throw new ActionFailed(`${this.#host} answered with ${status} and no reason`);
    const about = elementsOf(answer, "RelatesTo")[0]?.text.trim();
    if (about !== id) throw new ActionFailed(`${this.#host} answered something that was not asked`);
    return answer;
  }

  #envelope(id: string, action: string, options: Record<string, string>, body: string): string {
    const must = 's:mustUnderstand="true"';
    const set = Object.entries(options).map(([name, value]) => `<w:Option Name="${name}">${value}</w:Option>`);
    const selector =
      this.#id === undefined
        ? ""
        : `<w:SelectorSet><w:Selector Name="ShellId">${xmlEscape(this.#id)}</w:Selector></w:SelectorSet>`;
    const header = [
      `<a:To>https://${xmlEscape(this.#host)}/wsman</a:To>`,
      `<w:ResourceURI ${must}>${shellUri}/cmd</w:ResourceURI>`,
      `<a:ReplyTo><a:Address ${must}>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>`,
      `<a:Action ${must}>${action}</a:Action>`,
      `<w:MaxEnvelopeSize ${must}>153600</w:MaxEnvelopeSize>`,
      `<a:MessageID>${id}</a:MessageID>`,
      `<w:Locale xml:lang="en-US" s:mustUnderstand="false"/>`,
      `<w:OperationTimeout>PT${operationTimeoutS}.000S</w:OperationTimeout>`,
      selector,
      set.length > 0 ? `<w:OptionSet>${set.join("")}</w:OptionSet>` : "",
    ];
    return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope ${namespaces}><s:Header>${header.join("")}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
  }
}

/** 2.2.4.43: what Windows says in its own words, else the reason of SOAP. */
function faultText(fault: string): string {
  const [message, reason] = [elementsOf(fault, "Message")[0]?.text, elementsOf(fault, "Reason")[0]?.text];
  const code = elementsOf(fault, "WSManFault")[0]?.attributes.Code;
  const text = (message?.trim() || reason?.trim() || "it refuses without a reason").replaceAll(/\s+/g, " ");
  return code === undefined ? text : `${text} (${code})`;
}
