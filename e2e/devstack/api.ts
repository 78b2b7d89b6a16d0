// A signed-in user of the REST API, as a script would be one. Used by the stories and the benchmarks.
import type { LiveEvent } from "@opsconductor/contract/api/events";

export interface Answer<T = unknown> {
  status: number;
  headers: Headers;
  body: T;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly answer: Answer;
  constructor(what: string, answer: Answer) {
    super(`${what} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    this.answer = answer;
  }
}

export class Api {
  readonly url: string;
  token: string | undefined;
  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  /** Signs in and returns a client with the access token. */
  static async signIn(url: string, username: string, password: string): Promise<Api> {
    const api = new Api(url);
    const { accessToken } = await api.post<{ accessToken: string }>("/api/v1/auth/login", { username, password });
    return new Api(url, accessToken);
  }

  /** Any request; never throws for a status. A string body goes out as it is, with `contentType`. */
  async request<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const isText = typeof body === "string" || body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined ? {} : { "content-type": isText ? "text/yaml" : "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? (body as string) : JSON.stringify(body) }),
      redirect: "manual",
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }

  async get<T>(path: string): Promise<T> {
    return this.expectOk<T>("GET", path);
  }
  async post<T>(path: string, body?: unknown): Promise<T> {
    return this.expectOk<T>("POST", path, body ?? {});
  }

  /** Raw bytes of a download. */
  async bytes(path: string): Promise<Uint8Array> {
    const response = await fetch(this.url + path, { headers: { authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new Error(`GET ${path} was answered with ${response.status}: ${await response.text()}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  private async expectOk<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request<T>(method, path, body);
    if (answer.status >= 300) throw new ApiError(`${method} ${path}`, answer);
    return answer.body;
  }

  /** Follows the live stream; `events` grows until `close`. */
  async follow(topics: string): Promise<{ events: LiveEvent[]; close(): void }> {
    const closing = new AbortController();
    const response = await fetch(`${this.url}/api/v1/events?topics=${encodeURIComponent(topics)}`, {
      headers: { authorization: `Bearer ${this.token}`, accept: "text/event-stream" },
      signal: closing.signal,
    });
    if (!response.ok || !response.body) throw new Error(`The event stream was answered with ${response.status}`);
    const events: LiveEvent[] = [];
    void readEvents(response.body, events).catch(() => {
      // The stream ends with the test or with the controller; what was read before is what counts.
    });
    return { events, close: () => closing.abort() };
  }
}

async function readEvents(body: ReadableStream<Uint8Array>, into: LiveEvent[]): Promise<void> {
  let pending = "";
  for await (const piece of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
    pending += piece;
    const blocks = pending.split("\n\n");
    pending = blocks.pop()!;
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length > 0) into.push(JSON.parse(data.map((line) => line.slice(5)).join("\n")));
    }
  }
}
