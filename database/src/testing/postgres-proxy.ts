// A proxy in front of PostgreSQL that understands enough of its protocol (version 3, without TLS) to cut a connection at
// one exact message: before COMMIT reaches the server, or after it was done and before the client hears of it. Used by
// lost-connection.db.test.ts and by the fault tests of e2e/faults.
import { connect, createServer, type Server, type Socket } from "node:net";
import { MessageReader, type WireMessage } from "./wire-messages.ts";

/** One message that is about to be forwarded. */
export interface PassingMessage {
  from: "client" | "server";
  /** The protocol's letter; "startup" for the first message of a client, which has none. */
  type: string;
  /** What the client has executed with this message (simple query, or execute of a prepared one), in lower case. */
  statement?: string;
  /** What the server says it has done: "COMMIT", "UPDATE 3". */
  tag?: string;
  /** Whether the server counted this connection as inside of a transaction when it last said so. */
  inTransaction: boolean;
  /** Counts connections from 0, and the messages of each in both directions from 0. */
  connection: number;
  index: number;
}

/** `cut` closes both sides instead of forwarding, `reset` does it with a TCP reset for the client. */
export type Verdict = "pass" | "cut" | "reset";

export interface PostgresProxy {
  port: number;
  /** Connections that are open now. */
  open(): number;
  cutAll(): void;
  close(): Promise<void>;
}

export interface ProxyOptions {
  upstream: { path: string } | { host: string; port: number };
  decide: (message: PassingMessage) => Verdict;
  /** A free one otherwise. */
  port?: number;
}

export async function startPostgresProxy(options: ProxyOptions): Promise<PostgresProxy> {
  const links = new Set<ProxiedConnection>();
  let count = 0;
  const server = createServer((client) => {
    const link = new ProxiedConnection(client, connect(options.upstream), count++, options.decide);
    links.add(link);
    client.once("close", () => links.delete(link));
  });
  await listen(server, options.port ?? 0);
  const cutAll = () => {
    for (const link of links) link.cut("cut");
  };
  return {
    port: (server.address() as { port: number }).port,
    open: () => links.size,
    cutAll,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cutAll();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

class ProxiedConnection {
  private readonly client: Socket;
  private readonly server: Socket;
  private readonly number: number;
  private readonly decide: ProxyOptions["decide"];
  /** Texts of prepared statements by name, and statements of bound portals by theirs. */
  private readonly prepared = new Map<string, string>();
  private readonly portals = new Map<string, string>();
  private inTransaction = false;
  private index = 0;

  constructor(client: Socket, server: Socket, number: number, decide: ProxyOptions["decide"]) {
    this.client = client;
    this.server = server;
    this.number = number;
    this.decide = decide;
    client.setNoDelay(true);
    this.relay("client", client, server, new MessageReader("startup first"));
    this.relay("server", server, client, new MessageReader("typed"));
  }

  cut(how: "cut" | "reset"): void {
    if (how === "reset" && this.client.readyState === "open") this.client.resetAndDestroy();
    this.client.destroy();
    this.server.destroy();
  }

  private relay(from: "client" | "server", source: Socket, sink: Socket, reader: MessageReader): void {
    source.on("data", (chunk) => {
      for (const message of reader.read(chunk)) {
        const verdict = this.decide(this.describe(from, message));
        if (verdict !== "pass") return this.cut(verdict);
        if (!sink.write(message.bytes)) source.pause();
      }
    });
    sink.on("drain", () => source.resume());
    source.on("end", () => sink.end());
    source.on("error", () => this.cut("cut")); // the other side has to hear of it; nobody else is to
    source.on("close", () => sink.destroy());
  }

  private describe(from: "client" | "server", message: WireMessage): PassingMessage {
    const { type } = message;
    const passing = { from, type, inTransaction: this.inTransaction, connection: this.number, index: this.index++ };
    if (from === "client") return { ...passing, ...this.followClient(message) };
    if (type === "Z") this.inTransaction = message.text(0) !== "I";
    return type === "C" ? { ...passing, tag: message.text(0) } : passing;
  }

  private followClient(message: WireMessage): { statement?: string } {
    const [first, second] = [message.text(0), message.text(1)];
    switch (message.type) {
      case "Q":
        return { statement: normal(first) };
      case "P":
        this.prepared.set(first, normal(second));
        return {};
      case "B":
        this.portals.set(first, this.prepared.get(second) ?? "");
        return {};
      case "E":
        return { statement: this.portals.get(first) ?? "" };
      default:
        return {};
    }
  }
}

const normal = (sql: string): string => sql.trim().toLowerCase();
