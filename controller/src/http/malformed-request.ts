// What reaches us but is no HTTP request gets an answer in words too; the parser gives up before any route is asked. Used
// by server.ts.
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
