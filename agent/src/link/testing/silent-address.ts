// An address that answers nothing, as behind a network that drops everything: the queue of a listener is full, and the
// kernel drops what more arrives. For tests; Linux.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const listener = `const server = require("node:net").createServer();
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => process.stdout.write(String(server.address().port)));`;

export interface SilentAddress {
  port: number;
  /** It answers again: whoever waits is let in. */
  answer(): void;
  close(): void;
}

export async function silentAddress(): Promise<SilentAddress> {
  const child = spawn(process.execPath, ["-e", listener], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGSTOP"); // it accepts nothing any more
  const port = Number(text);
  const fillers: Socket[] = [];
  for (;;) {
    const socket = connect({ host: "127.0.0.1", port }).on("error", () => {});
    fillers.push(socket);
    const connected = await Promise.race([
      once(socket, "connect").then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, 300, false)),
    ]);
    if (!connected) break;
  }
  const close = () => {
    for (const socket of fillers) socket.destroy();
    child.kill("SIGKILL");
  };
  return { port, answer: () => void child.kill("SIGCONT"), close };
}
