// Sends generated requests to every route that the OpenAPI document names, and judges the answers by that document. What
// lists and creations answer is kept, so that paths name things that exist. Run by fuzz.db.test.ts and `npm run fuzz`.
import fc from "fast-check";
import type { TestContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";
import { openApiDocument } from "../openapi.ts";
import { type Operation, operationsOf } from "./api-operations.ts";
import { type Answered, judgeAnswer } from "./judge-answer.ts";
import { type FuzzRequest, requestsOf } from "./request-arbitrary.ts";

export interface FuzzReport {
  operations: number;
  requests: number;
  /** How many requests each status answered. */
  statuses: Record<string, number>;
  /** By operation: how many requests were taken. */
  taken: Record<string, number>;
  /** Operations that refused everything. */
  neverTaken: string[];
  failures: string[];
}

export interface FuzzParams {
  requests: number;
  seed: number;
  /** How often all operations have their turn. */
  rounds: number;
  /** Ids and names that no request may remove, so that there is something to work with to the end. */
  kept: readonly string[];
}

interface Session {
  kept: readonly string[];
  t: TestContext;
  http: TestHttp;
  headers: Record<string, string>;
  report: FuzzReport;
  known: Map<string, string[]>;
}

/** A stream has no end, and a wait may be long: the answer's beginning is enough. */
const patienceMs = 250;
const maxKnown = 40;
const removes = /^(DELETE|PATCH|PUT) |\/revoke$/;

export async function fuzzApi(t: TestContext, params: FuzzParams) {
  const http = testHttp(t.ctx);
  const operations = operationsOf(openApiDocument(http.app));
  const report: FuzzReport = {
    ...{ operations: operations.length, requests: 0 },
    statuses: {},
    taken: {},
    neverTaken: [],
    failures: [],
  };
  const session: Session = {
    kept: params.kept,
    t,
    http,
    report,
    headers: await signInAgain(t, http),
    known: new Map(),
  };
  const arbitraries = operations.map((operation) => ({ operation, requests: requestsOf(operation) }));
  const numRuns = Math.max(1, Math.ceil(params.requests / operations.length / params.rounds));
  const failed = new Set<string>();
  for (let round = 0; round < params.rounds; round++)
    for (const { operation, requests } of arbitraries) {
      if (failed.has(operation.name)) continue;
      const property = fc.asyncProperty(requests, (request) => sendAndJudge(session, operation, request));
      const run = await fc.check(property, { numRuns, seed: params.seed + round, endOnFailure: true });
      if (!run.failed) continue;
      failed.add(operation.name);
      const { known: _, ...request } = { known: 0, ...run.counterexample![0] };
      report.failures.push(`${operation.name}: ${(run.errorInstance as Error).message}\n  ${JSON.stringify(request)}`);
    }
  report.neverTaken = operations.map(({ name }) => name).filter((name) => !report.taken[name]);
  return report;
}

/** From where nothing else comes, because generated passwords are wrong so often that their address has to wait. */
const ownAddress = "192.0.2.7";

async function signInAgain(t: TestContext, http: TestHttp): Promise<Record<string, string>> {
  return (await signedIn(t.ctx, http.from(ownAddress))).headers;
}

async function sendAndJudge(session: Session, operation: Operation, request: FuzzRequest): Promise<void> {
  const answer = await send(session, operation, request);
  const { report } = session;
  report.requests++;
  report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1;
  const judged = request.method === operation.method ? operation : undefined;
  const wrong = judgeAnswer(judged ?? { ...operation, answers: { 204: {}, ...operation.answers } }, answer);
  // Another method of the same path is another operation, judged when it is its turn.
  if (wrong && (judged || answer.status >= 500)) throw new Error(`${wrong}: ${answer.body.slice(0, 300)}`);
  const isPage = answer.headers.get("content-type")?.startsWith("text/html");
  if (answer.status < 300 && judged && !isPage) {
    report.taken[operation.name] = (report.taken[operation.name] ?? 0) + 1;
    if (request.forbidden) throw new Error(`was taken although the document forbids it (${request.forbidden})`);
    keepKnown(session, operation, answer);
  }
  if (answer.status === 401 && !request.anonymous && !(await isSignedIn(session)))
    session.headers = await signInAgain(session.t, session.http);
}

/** Signing in refuses with the same status as a request whose session was ended. */
async function isSignedIn({ http, headers }: Session): Promise<boolean> {
  return (await http.call("GET", "/api/v1/auth/me", undefined, headers)).status === 200;
}

async function send(
  { http, headers, known, kept }: Session,
  operation: Operation,
  request: FuzzRequest,
): Promise<Answered> {
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const value = request.pathValues[name]!;
    if (typeof value === "string") return encodeURIComponent(value.toWellFormed());
    const all = known.get(collectionOf(operation.path, name)) ?? [];
    const lasting = all.filter((id) => kept.includes(id));
    const isRemoval = removes.test(`${request.method} ${operation.path}`);
    const pool = isRemoval ? all.filter((id) => !kept.includes(id)) : value.known % 2 ? lasting : all;
    return encodeURIComponent(pool[value.known % pool.length] ?? "1");
  });
  const query = new URLSearchParams(
    request.query.map(([name, value]): [string, string] => [name, value.toWellFormed()]),
  );
  const { body } = request;
  const hasBody = body && !["GET", "HEAD"].includes(request.method);
  const response = await http.app.request(query.size > 0 ? `${path}?${query}` : path, {
    method: request.method,
    headers: {
      ...(request.anonymous ? {} : headers),
      ...(hasBody && body.type !== "" ? { "content-type": body.type } : {}),
      ...request.headers,
    },
    ...(hasBody ? { body: body.text } : {}),
    signal: AbortSignal.timeout(patienceMs),
  });
  return { status: response.status, headers: response.headers, body: await textOf(response) };
}

async function textOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (!done) chunks.push(value);
    if (isStream) await reader.cancel();
    if (done || isStream) return Buffer.concat(chunks).toString();
  }
}

/** What a parameter in a path stands for: the path before it, the same for the original's and our own. */
const collectionOf = (path: string, parameter = "") =>
  path
    .replace(/^\/api\/v1/, "")
    .split(`/{${parameter}}`)[0]!
    .replace(/\/\{[^/]+\}$/, "");

/** Ids and names of a list or of one thing, and what its links end with. */
function keepKnown({ known }: Session, { path }: Operation, { headers, body }: Answered): void {
  if (!headers.get("content-type")?.startsWith("application/json")) return;
  const keep = (collection: string, value: unknown) => {
    const pool = known.get(collection) ?? [];
    if (typeof value === "string" && !pool.includes(value)) known.set(collection, [...pool, value].slice(-maxKnown));
  };
  const answer: { items?: unknown[]; url?: string } = JSON.parse(body);
  for (const thing of (answer.items ?? [answer]) as Record<string, unknown>[])
    for (const key of ["id", "name", "username"]) keep(collectionOf(path), thing?.[key]);
  const link =
    answer.url && URL.canParse(answer.url, "http://x") ? new URL(answer.url, "http://x").pathname : undefined;
  if (link) keep(collectionOf(link).replace(/\/[^/]+$/, ""), link.split("/").at(-1));
}
