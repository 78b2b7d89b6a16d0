// One listening port of gRPC. The TCP sockets are ours (grpc-js gets them injected), so that a connection's age is known
// and a revoked agent's connection can be destroyed, not only its streams. Built by start-listeners.ts.
import { once } from "node:events";
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { type ConnectionInjector, Server, type ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import type { Address } from "../config.ts";

export interface Connection {
  openedAt: Date;
  /** Without port; IPv4 as IPv4 even when it arrived on an IPv6 socket. */
  address: string;
  destroy(): void;
}

export class Listener {
  readonly server: Server;
  readonly #net: NetServer;
  readonly #injector: ConnectionInjector;
  readonly #sockets = new Map<string, { socket: Socket; connection: Connection }>();

  constructor(credentials: ServerCredentials, options: ServerOptions, now: () => Date) {
    this.server = new Server(options);
    this.#injector = this.server.createConnectionInjector(credentials);
    this.#net = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) => {
      this.#accept(socket, now());
    });
  }

  /** Resolves with the port, which matters when 0 was asked for. Rejects with Node's error, e.g. EADDRINUSE. */
  async listen(address: Address): Promise<number> {
    this.#net.listen({ host: address.host, port: address.port, backlog: 4096 });
    await once(this.#net, "listening");
    return (this.#net.address() as AddressInfo).port;
  }

  /** The connection of a call, by what grpc-js names as its peer. */
  connectionOf(peer: string): Connection | undefined {
    return this.#sockets.get(peer)?.connection;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Takes no new connections; open streams go on. */
  stopAccepting(): void {
    if (this.#net.listening) this.#net.close();
  }

  /** Ends everything that is still open. */
  close(): void {
    this.stopAccepting();
    this.#injector.destroy();
    this.server.forceShutdown();
    for (const { socket } of this.#sockets.values()) socket.destroy();
  }

  #accept(socket: Socket, openedAt: Date): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined) return void socket.destroy(); // gone before we looked
    const peer = `${remoteAddress}:${remotePort}`;
    const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "");
    this.#sockets.set(peer, { socket, connection: { openedAt, address, destroy: () => socket.destroy() } });
    socket.once("close", () => this.#sockets.delete(peer));
    socket.on("error", () => {}); // told by the streams on it
    this.#injector.injectConnection(socket);
  }
}
