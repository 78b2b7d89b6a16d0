// What stands before several controllers: takes the agents' connections and passes each on to one that is up. It can
// also do what balancers and firewalls do at the worst moment: drop one side of a connection and deliver the rest of it
// later. Called by pause.ts.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

interface Passed {
  backend: number;
  agent: Socket;
  controller: Socket;
  bytes: number;
  /** When the agent said something last. */
  spokeAtMs: number;
  /** What the agent sent and the controller has not been given; undefined: everything is passed on. */
  held: Buffer[] | undefined;
  /** The agent's side is gone and the controller is not told. */
  isHalf: boolean;
}

/** A stream that was taken from its agent in the middle of what it said. */
export interface LateStream {
  heldBytes: number;
  /** Gives the controller the rest, as if it had been under way all the time. */
  deliver(): void;
}

/** A connection that carries a stream; a knock carries nothing. */
const streamBytes = 2048;
/** For the agent to say anything at all. */
const patienceMs = 5_000;

export class Balancer {
  readonly #ports: number[];
  readonly #server: Server;
  readonly #down = new Set<number>();
  readonly #passed = new Set<Passed>();
  #next = 0;

  private constructor(ports: number[], server: Server) {
    this.#ports = ports;
    this.#server = server;
    server.on("connection", (socket) => this.#pass(socket));
  }

  /** `ports`: of the controllers, on loopback. */
  static async listen(ports: number[]): Promise<Balancer> {
    const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Balancer(ports, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** No new connections for it. With `cut` its agents are thrown out too, and it learns nothing of that. */
  takeDown(backend: number, cut: boolean): void {
    this.#down.add(backend);
    for (const passed of this.#passed) if (cut && passed.backend === backend) this.#halve(passed);
  }

  bringUp(backend: number): void {
    this.#down.delete(backend);
  }

  /** Holds back what the connection says that spoke last, for at least `forMs`, then throws its agent out. */
  async takeStream(forMs: number): Promise<LateStream | undefined> {
    const candidates = [...this.#passed].filter((p) => !p.isHalf && p.held === undefined && p.bytes > streamBytes);
    const passed = candidates.sort((a, b) => b.spokeAtMs - a.spokeAtMs)[0];
    if (!passed) return undefined;
    const held: Buffer[] = [];
    passed.held = held;
    await sleep(forMs);
    const deadline = performance.now() + patienceMs;
    while (held.length === 0 && !passed.isHalf && performance.now() < deadline) await sleep(20);
    this.#halve(passed);
    const deliver = () => {
      for (const piece of held) if (!passed.controller.destroyed) passed.controller.write(piece);
    };
    return { heldBytes: held.reduce((sum, piece) => sum + piece.length, 0), deliver };
  }

  close(): void {
    this.#server.close();
    for (const { agent, controller } of this.#passed) {
      agent.destroy();
      controller.destroy();
    }
  }

  #pass(agent: Socket): void {
    const backend = this.#choose();
    const controller = connect({ host: "127.0.0.1", port: this.#ports[backend]!, noDelay: true });
    const passed: Passed = { backend, agent, controller, bytes: 0, spokeAtMs: 0, held: undefined, isHalf: false };
    this.#passed.add(passed);
    agent.on("data", (piece: Buffer) => {
      passed.bytes += piece.length;
      passed.spokeAtMs = performance.now();
      if (passed.held) passed.held.push(piece);
      else controller.write(piece);
    });
    controller.on("data", (piece: Buffer) => void (passed.isHalf || passed.held || agent.write(piece)));
    agent.on("error", () => {}).once("close", () => passed.isHalf || controller.destroy());
    controller
      .on("error", () => {})
      .once("close", () => {
        agent.destroy();
        this.#passed.delete(passed);
      });
  }

  #halve(passed: Passed): void {
    passed.isHalf = true;
    passed.agent.resetAndDestroy();
  }

  /** In turns, of those that are up. */
  #choose(): number {
    const all = this.#ports.map((_, index) => index);
    const up = all.filter((index) => !this.#down.has(index));
    const usable = up.length > 0 ? up : all;
    return usable[this.#next++ % usable.length]!;
  }
}
