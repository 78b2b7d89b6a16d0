// A way to the controller on which connections can go half-open: both ends stand, and nothing passes. For wire tests.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class BreakablePath {
  readonly #server: Server;
  readonly #open = new Set<{ from: Socket; to: Socket; isLost: boolean }>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    server.on("connection", (from) => {
      const link = { from, to: connect(port, "127.0.0.1"), isLost: false };
      this.#open.add(link);
      this.#pass(link, from, link.to);
      this.#pass(link, link.to, from);
    });
  }

  static async to(port: number): Promise<BreakablePath> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new BreakablePath(server, port);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For ever, on the connections there are; new ones work. */
  lose(): void {
    for (const link of this.#open) link.isLost = true;
  }

  close(): void {
    this.#server.close();
    for (const { from, to } of this.#open) for (const socket of [from, to]) socket.destroy();
  }

  #pass(link: { isLost: boolean }, from: Socket, to: Socket): void {
    from.on("data", (piece) => void (link.isLost || to.write(piece)));
    from.on("error", () => {}).once("close", () => void (link.isLost || to.destroy()));
  }
}
