// The one way to the REST API: bearer token, one retry after a refresh, problem+json to ApiError. Resource files
// (`agents.ts`, `targets.ts` …) are typed sentences over it.
import { ApiError, readApiError } from "./api-error.ts";
import { prove } from "./prover.ts";
import { session } from "./session.svelte.ts";

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON; a string or a file is sent as it is, with `contentType`. */
  body?: unknown;
  contentType?: string;
  /** Revision that an update is based on (If-Match). */
  revision?: number;
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** Sign-in itself carries no token. */
  anonymous?: boolean;
}

function apiUrl(path: string, query: RequestOptions["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

/** The raw response of a successful request; throws ApiError otherwise. */
async function requestRaw(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const token = options.anonymous ? undefined : await session.tokens.token();
  let response = await send(method, path, options, token);
  if (response.status === 401 && !options.anonymous) {
    const renewed = await session.tokens.refresh(token);
    if (renewed) response = await send(method, path, options, renewed);
  }
  if (response.ok) return response;
  const error = await readApiError(response);
  if (error.code !== "reauthentication_required" || !(await prove(error.proof?.methods ?? []))) throw error;
  response = await send(method, path, options, await session.tokens.token());
  if (!response.ok) throw await readApiError(response);
  return response;
}

export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await requestRaw(method, path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A file for the browser to save; its bytes are held in memory. */
export async function requestFile(
  method: "GET" | "POST",
  path: string,
  options: RequestOptions = {},
): Promise<{ blob: Blob; fileName: string }> {
  const response = await requestRaw(method, path, options);
  const fileName = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "download";
  return { blob: await response.blob(), fileName };
}

async function send(
  method: string,
  path: string,
  options: RequestOptions,
  token: string | undefined,
): Promise<Response> {
  try {
    return await fetch(apiUrl(path, options.query), {
      method,
      headers: headersOf(options, token),
      body: bodyOf(options.body),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError({ status: 0, code: "offline", detail: "" }, cause);
  }
}

function headersOf(options: RequestOptions, token: string | undefined): Headers {
  const headers = new Headers({ accept: "application/json" });
  if (token) headers.set("authorization", `Bearer ${token}`);
  if (options.body !== undefined) headers.set("content-type", options.contentType ?? "application/json");
  if (options.revision !== undefined) headers.set("if-match", `"${options.revision}"`);
  if (options.idempotencyKey) headers.set("idempotency-key", options.idempotencyKey);
  return headers;
}

function bodyOf(body: unknown): string | Blob | undefined {
  if (body === undefined || typeof body === "string" || body instanceof Blob) return body;
  return JSON.stringify(body);
}

/** A random key for Idempotency-Key; works without a secure context, where crypto.randomUUID does not exist. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
