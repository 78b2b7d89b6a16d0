// `uses: http`: a request and what its answer must be.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { TLSSocket } from "node:tls";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { type Action, ActionFailed } from "./action.ts";

type Parameters = ActionParameters<"http">;

interface Answer {
  status: number;
  body: string;
  durationMs: number;
  certificateDays: number | undefined;
}

const maxBodyBytes = 1024 * 1024;
const keptBody = 64 * 1024;
const maxRedirects = 10;
const looking = ["GET", "HEAD", "OPTIONS"];

export const http: Action<Parameters> = async (parameters, { check, signal, log }) => {
  const what = `${parameters.method} ${parameters.url}`;
  const looks = looking.includes(parameters.method);
  if (check && !looks) return { changes: [`send ${what}`] };
  const answer = await send(parameters, signal);
  log(`${what}: ${answer.status} in ${answer.durationMs} ms`);
  const outputs = outputsOf(answer);
  const problem = problemOf(answer, parameters);
  if (problem !== undefined) {
    log(answer.body.slice(0, 4096));
    throw new ActionFailed(`${what}: ${problem}`, { outputs });
  }
  const message = `${what}: ${answer.status}`;
  // It is sent already: a method that changes something counts as a change.
  return looks ? { changes: [], outputs, message } : { changes: [message], outputs };
};

function outputsOf({ status, body, durationMs, certificateDays }: Answer): Record<string, string> {
  return {
    status: String(status),
    body: body.slice(0, keptBody),
    durationMs: String(durationMs),
    ...(certificateDays === undefined ? {} : { certificateDays: String(certificateDays) }),
  };
}

async function send(parameters: Parameters, signal: AbortSignal): Promise<Answer> {
  const begun = performance.now();
  const timeout = AbortSignal.timeout(parseDuration(parameters.timeout)!);
  const both = AbortSignal.any([signal, timeout]);
  let url = new URL(parameters.url);
  let method = parameters.method;
  for (let redirects = 0; ; redirects++) {
    const response = await once(url, method, parameters, both).catch((error: NodeJS.ErrnoException) => {
      if (timeout.aborted) throw new ActionFailed(`${parameters.url} did not answer within ${parameters.timeout}`);
      throw new ActionFailed(`${parameters.url} cannot be reached: ${error.message || error.code}`, { cause: error });
    });
    const { statusCode: status = 0, headers } = response.message;
    const next = parameters.followRedirects && status >= 300 && status < 400 ? headers.location : undefined;
    if (next === undefined || redirects >= maxRedirects) {
      const durationMs = Math.round(performance.now() - begun);
      return { status, body: response.body, durationMs, certificateDays: response.certificateDays };
    }
    const target = new URL(next, url);
    if (url.protocol === "https:" && target.protocol === "http:")
      throw new ActionFailed(`${parameters.url} leads from https to http: that is not followed`);
    // Credentials are for the host they were given for.
    if (target.host !== url.host) parameters = { ...parameters, headers: withoutCredentials(parameters.headers) };
    if (status === 303 && method !== "HEAD") method = "GET";
    url = target;
  }
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie)$/i.test(name)));
}

interface Received {
  message: IncomingMessage;
  body: string;
  certificateDays: number | undefined;
}

function once(url: URL, method: string, { headers, body, json }: Parameters, signal: AbortSignal): Promise<Received> {
  const content = json === undefined ? body : JSON.stringify(json);
  const sends = content !== undefined && method !== "GET" && method !== "HEAD";
  const type = json === undefined || !sends ? {} : { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = start(url, { method, headers: { ...type, ...headers }, signal, agent: false }, (message) => {
      const certificateDays = daysLeft(message);
      readBody(message).then((text) => resolve({ message, body: text, certificateDays }), reject);
    });
    request.on("error", reject);
    request.end(sends ? content : undefined);
  });
}

async function readBody(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    if (length < maxBodyBytes) parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, maxBodyBytes).toString("utf8");
}

function daysLeft({ socket }: IncomingMessage): number | undefined {
  if (!("getPeerCertificate" in socket)) return undefined;
  const { valid_to } = (socket as TLSSocket).getPeerCertificate();
  return valid_to === undefined ? undefined : Math.floor((Date.parse(valid_to) - Date.now()) / 86_400_000);
}

/** The first expectation that is not met. */
function problemOf(answer: Answer, { expect }: Parameters): string | undefined {
  const { status, contains, json, maxMs, certificateDays } = expect;
  const { status: given, body } = answer;
  if (status === undefined ? given < 200 || given > 299 : !status.includes(given))
    return `the status is ${given}, not ${status?.join(" or ") ?? "200 to 299"}`;
  if (contains !== undefined && !body.includes(contains))
    return `the body does not contain ${JSON.stringify(contains)}`;
  if (maxMs !== undefined && answer.durationMs > maxMs) return `it took ${answer.durationMs} ms, more than ${maxMs}`;
  if (certificateDays !== undefined && (answer.certificateDays ?? -1) < certificateDays)
    return answer.certificateDays === undefined
      ? "it has no certificate"
      : `its certificate expires in ${answer.certificateDays} days, which is less than ${certificateDays}`;
  return json === undefined ? undefined : jsonProblem(body, json);
}

function jsonProblem(body: string, expected: Record<string, unknown>): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "the body is not JSON";
  }
  for (const [path, wanted] of Object.entries(expected)) {
    const found = path.split(".").reduce<unknown>(member, value);
    if (found !== wanted) return `${path} is ${JSON.stringify(found) ?? "not there"}, not ${JSON.stringify(wanted)}`;
  }
  return undefined;
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
