// What reaches us but is no HTTP request gets an answer in words too; the parser gives up before any route is asked. Used
// by server.ts.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { problemOf } from "./problem.ts";

/** Of the HTTP parser: `reason` says what it stumbled over. */
interface ParserError extends Error {
  code?: string;
  reason?: string;
}

/** For `server.on("clientError")`, in place of Node's answers without a body. */
export function answerMalformed(error: ParserError, socket: Duplex, requestId: string): void {
  // An answer that is under way must not get another one into its middle.
  const { _httpMessage: answering } = socket as { _httpMessage?: { headersSent: boolean } };
  if (!socket.writable || error.code === "ECONNRESET" || answering?.headersSent) return void socket.destroy();
  const { line, code, detail } = answerTo(error);
  // RFC 9457, 3.1.2: the member repeats the status of the answer, which no code of ours has.
  const body = JSON.stringify({ ...problemOf(code, detail, requestId), status: Number.parseInt(line, 10) });
  socket.end(
    [
      `HTTP/1.1 ${line}`,
      "Connection: close",
      "Content-Type: application/problem+json",
      "X-Content-Type-Options: nosniff",
      "Cache-Control: no-store",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}

/** Before the app, which needs to know as which host it was asked: `listener` gets only requests that say so once. */
export function refuseUnclear(listener: RequestListener, newId: () => string): RequestListener {
  return (request, response) => {
    const detail = hostTrouble(request) ?? targetTrouble(request.url ?? "");
    if (detail === undefined) return listener(request, response);
    refuse(response, { status: 400, code: "invalid_argument", detail }, newId());
  };
}

/** For `server.on("checkExpectation")`. */
export function refuseExpectation(response: ServerResponse, requestId: string): void {
  const detail = "Nothing but 100-continue can be expected of this server: leave the Expect header out.";
  refuse(response, { status: 417, code: "invalid_argument", detail }, requestId);
}

interface Refusal {
  status: number;
  code: "invalid_argument";
  detail: string;
}

export function refuse(response: ServerResponse, { status, code, detail }: Refusal, requestId: string): void {
  response.writeHead(status, {
    "Content-Type": "application/problem+json",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    Connection: "close",
  });
  response.end(JSON.stringify({ ...problemOf(code, detail, requestId), status }));
}

const hostForm = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?$/;

/** RFC 9112, 3.2: what two programs on the way may read differently must not be served. */
function hostTrouble({ rawHeaders }: IncomingMessage): string | undefined {
  const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === "host");
  const [host, ...others] = hosts;
  if (host === undefined) return "The request has no Host header: send the name or address of this server in one.";
  if (others.length > 0) return "The request has several Host headers: send one.";
  if (hostForm.test(host) && URL.canParse(`http://${host}/`)) return undefined;
  return "The Host header is no host name or address, with or without a port.";
}

function targetTrouble(target: string): string | undefined {
  if (target.startsWith("/") || (/^https?:\/\//i.test(target) && URL.canParse(target))) return undefined;
  return "The request is for something that is no path: it begins with /.";
}

const asciiHint = " In a path and a query, write what is not ASCII as %XX.";

function answerTo({ code, reason }: ParserError) {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        line: "431 Request Header Fields Too Large",
        code: "payload_too_large",
        detail: "The path, the query and the headers are too large together: 16 KiB are the limit.",
      } as const;
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return {
        line: "408 Request Timeout",
        code: "invalid_argument",
        detail: "The request took too long to arrive: send it again.",
      } as const;
    default:
      return {
        line: "400 Bad Request",
        code: "invalid_argument",
        detail: `This is no valid HTTP request${reason ? ` (${reason})` : ""}.${/url/.test(reason ?? "") ? asciiHint : ""}`,
      } as const;
  }
}
