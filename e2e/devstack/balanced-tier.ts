// A load balancer with the path of HAProxy's Data Plane API, and web servers behind it that go down for a moment when they
// are restarted: small and real, to see whether a job loses requests. Called by examples.story.test.ts.
import { once } from "node:events";
import { request as ask, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const requestMs = 20;
const downMs = 100;

export class BalancedTier {
  /** Most servers that were out at once. */
  mostOut = 0;
  served = 0;
  lost: string[] = [];
  readonly restarts: string[] = [];
  readonly #out = new Set<string>();
  readonly #servers = new Map<string, Server>();
  readonly #balancer = createServer((request, response) => this.#balance(request, response));
  readonly #stopping = new AbortController();
  #port = 0;
  #turn = 0;
  #clients: Promise<void>[] = [];

  /** `names` are loopback addresses, all on one port. */
  static async start(names: readonly string[]): Promise<BalancedTier> {
    const tier = new BalancedTier();
    for (const name of names) await tier.#up(name);
    await listen(tier.#balancer, "127.0.0.1", 0);
    tier.#clients = [tier.#useIt(), tier.#useIt()];
    return tier;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#balancer.address() as AddressInfo).port}`;
  }

  /** As a service manager does: it goes down with the requests it has, and is up again later. */
  async restart(name: string): Promise<void> {
    const server = this.#servers.get(name)!;
    server.close();
    server.closeAllConnections();
    this.restarts.push(name);
    await pause(downMs);
    await this.#up(name);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#clients);
    for (const server of [this.#balancer, ...this.#servers.values()]) {
      server.close();
      server.closeAllConnections();
    }
  }

  async #up(name: string): Promise<void> {
    const server = createServer(async (_request, response) => {
      await pause(requestMs);
      response.end(`served by ${name}`);
    });
    await listen(server, name, this.#port);
    this.#port = (server.address() as AddressInfo).port;
    this.#servers.set(name, server);
  }

  #balance(request: IncomingMessage, response: ServerResponse): void {
    const [, name] = /\/backends\/tier\/servers\/([^/]+)$/.exec(request.url!) ?? [];
    if (request.method === "PUT" && name !== undefined) return void this.#set(name, request, response);
    const ready = [...this.#servers.keys()].filter((one) => !this.#out.has(one));
    const host = ready[this.#turn++ % ready.length];
    const passed = ask({ host, port: this.#port, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!);
      answer.pipe(response);
    });
    passed.on("error", (error) => response.writeHead(502).end(`${host}: ${error.message}`));
    passed.end();
  }

  async #set(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    if (JSON.parse(body).admin_state === "ready") this.#out.delete(name);
    else this.#out.add(name);
    this.mostOut = Math.max(this.mostOut, this.#out.size);
    response.end("{}");
  }

  async #useIt(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const answer = await fetch(`${this.url}/`);
      if (answer.ok) this.served++;
      else this.lost.push(await answer.text());
      await pause(requestMs);
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}
