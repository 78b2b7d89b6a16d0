// Real hosts (Debian with systemd, an address each) through a program that starts, cuts and kills them; see
// docs/reports/lab.md for what it must understand. Called by main.ts and the proofs.
import { spawn, spawnSync } from "node:child_process";
import { createServer, connect as dial, type Server } from "node:net";
import { waitFor } from "../devstack/wait-for.ts";

export class LabHosts {
  readonly count: number;
  readonly #program: string;
  #forwards: Server[] = [];

  constructor(program: string, count: number) {
    this.#program = program;
    this.count = count;
  }

  get names(): string[] {
    return Array.from({ length: this.count }, (_, index) => `lab${index + 1}`);
  }

  /** New ones: what an earlier run left would tell lies. */
  begin(): void {
    this.#must("down");
    this.#must("up", String(this.count));
  }

  end(): void {
    for (const server of this.#forwards) server.close();
    this.#must("down");
  }

  get gateway(): string {
    return this.#must("gateway").trim();
  }

  cut = (host: string) => void this.#must("cut", numberOf(host));
  heal = (host: string) => void this.#must("heal", numberOf(host));

  /** Resolves when it is down: a host that is still taken for running when it is to start stays down for ever. */
  async kill(host: string): Promise<void> {
    this.#must("kill", numberOf(host));
    await waitFor(`${host} to be down`, async () => !(await this.isUp(host)), { timeoutMs: 60_000, everyMs: 100 });
  }

  /** It stays off, whether it ran, was down, or was about to start again by itself. */
  async switchOff(host: string): Promise<void> {
    const off = () => {
      spawnSync(this.#program, ["kill", numberOf(host)], { stdio: "ignore" });
      return this.isUp(host).then((up) => !up);
    };
    await waitFor(`${host} to be off`, off, { timeoutMs: 60_000, everyMs: 200 });
  }

  /** Resolves when it runs programs. */
  async boot(host: string): Promise<void> {
    const started = () => {
      this.#must("boot", numberOf(host));
      return this.isUp(host);
    };
    await waitFor(`${host} to be up`, started, { timeoutMs: 300_000, everyMs: 500 });
  }

  /** Runs a script of the shell there, and answers what it printed. What it asks for comes through this process. */
  async sh(host: string, script: string): Promise<string> {
    const { code, output } = await this.#exec(host, ["sh", "-c", script]);
    if (code !== 0) throw new Error(`${host}: ${script} ended with ${code}: ${output}`);
    return output.trim();
  }

  /** As a machine does: what goes down for a restart comes up again. Ends with `signal`. */
  async restartWhatGoesDown(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const host of this.names) if (!(await this.isUp(host))) await this.boot(host);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** What listens on loopback here becomes reachable for the hosts, at a port of the gateway. */
  async forward(port: number, to: number): Promise<void> {
    const server = createServer((socket) => {
      const other = dial(to, "127.0.0.1");
      socket.pipe(other).pipe(socket);
      for (const one of [socket, other]) one.on("error", () => void socket.destroy(other.destroy() as never));
    });
    server.listen(port, this.gateway);
    this.#forwards.push(server);
    await waitFor(`port ${port} of the gateway`, () => server.listening);
  }

  async isUp(host: string): Promise<boolean> {
    return (await this.#exec(host, ["true"])).code === 0;
  }

  #exec(host: string, command: string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(this.#program, ["exec", numberOf(host), ...command], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
  }

  #must(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(this.#program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (status !== 0) throw new Error(`${this.#program} ${args.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  }
}

const numberOf = (host: string) => host.replace("lab", "");
