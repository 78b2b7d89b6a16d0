// An SSH server in this process, for the tests of the actions that reach other machines: it runs commands with sh as a
// real one does, and serves files of one folder over SFTP.
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, closeSync, fstatSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import type { AddressInfo } from "node:net";
import ssh2, { type Connection, type ServerChannel } from "ssh2";

const { OPEN_MODE, STATUS_CODE, flagsToString } = ssh2.utils.sftp;

export interface SshServer {
  port: number;
  fingerprint: string;
  /** A line of known_hosts. */
  knownHost: string;
  /** Commands as they arrived. */
  commands: string[];
  close(): void;
}

export async function startSshServer(user: { username: string; password: string }): Promise<SshServer> {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const parsed = ssh2.utils.parseKey(privateKey) as ssh2.ParsedKey;
  const publicKey = parsed.getPublicSSH();
  const { createHash } = await import("node:crypto");
  const commands: string[] = [];
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    connections.add(client);
    client.on("error", () => {});
    client.on("authentication", (context) => {
      const right =
        context.method === "password" && context.username === user.username && context.password === user.password;
      if (right) context.accept();
      else context.reject(["password"]);
    });
    client.on("session", (accept) => {
      const session = accept();
      session.on("exec", (take, _reject, { command }) => {
        commands.push(command);
        run(command, take());
      });
      session.on("sftp", (take) => serveFiles(take()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ port, commands },
    fingerprint: `SHA256:${createHash("sha256").update(publicKey).digest("base64").replace(/=+$/, "")}`,
    knownHost: `[127.0.0.1]:${port} ssh-rsa ${publicKey.toString("base64")}`,
    close: () => {
      for (const client of connections) client.end();
      server.close();
    },
  };
}

function run(command: string, channel: ServerChannel): void {
  const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"] });
  channel.pipe(child.stdin);
  child.stdin.on("error", () => {});
  child.stdout.on("data", (bytes) => channel.write(bytes));
  child.stderr.on("data", (bytes) => channel.stderr.write(bytes));
  child.on("close", (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}

interface Sftp {
  on(name: string, listener: (id: number, ...rest: never[]) => void): unknown;
  handle(id: number, handle: Buffer): void;
  data(id: number, bytes: Buffer): void;
  attrs(id: number, attributes: object): void;
  status(id: number, code: number): void;
}

function serveFiles(given: unknown): void {
  const files = given as Sftp;
  const guarded = (id: number, action: () => void) => {
    try {
      action();
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      files.status(id, missing ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE);
    }
  };
  const done = (id: number) => files.status(id, STATUS_CODE.OK);
  const descriptor = (handle: Buffer) => handle.readUInt32BE(0);
  const attributes = (stats: ReturnType<typeof statSync>) => {
    const { mode, uid, gid, size, atimeMs, mtimeMs } = stats!;
    return { mode, uid, gid, size, atime: Number(atimeMs) / 1000, mtime: Number(mtimeMs) / 1000 };
  };
  const on = (name: string, listener: (id: number, ...rest: never[]) => void) => files.on(name, listener);
  on("OPEN", ((id: number, path: string, flags: number) =>
    guarded(id, () => {
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(openSync(path, flagsToString(flags & ~OPEN_MODE.EXCL) ?? "r"));
      files.handle(id, handle);
    })) as never);
  on("READ", ((id: number, handle: Buffer, offset: number, length: number) =>
    guarded(id, () => {
      const bytes = Buffer.alloc(length);
      const count = readSync(descriptor(handle), bytes, 0, length, offset);
      if (count === 0) files.status(id, STATUS_CODE.EOF);
      else files.data(id, bytes.subarray(0, count));
    })) as never);
  on("WRITE", ((id: number, handle: Buffer, offset: number, bytes: Buffer) =>
    guarded(id, () => {
      writeSync(descriptor(handle), bytes, 0, bytes.length, offset);
      done(id);
    })) as never);
  on("FSTAT", ((id: number, handle: Buffer) =>
    guarded(id, () => files.attrs(id, attributes(fstatSync(descriptor(handle)))))) as never);
  on("FSETSTAT", ((id: number) => done(id)) as never);
  on("CLOSE", ((id: number, handle: Buffer) =>
    guarded(id, () => {
      closeSync(descriptor(handle));
      done(id);
    })) as never);
  for (const name of ["STAT", "LSTAT"])
    on(name, ((id: number, path: string) => guarded(id, () => files.attrs(id, attributes(statSync(path))))) as never);
  on("SETSTAT", ((id: number, path: string, { mode }: { mode?: number }) =>
    guarded(id, () => {
      if (mode !== undefined) chmodSync(path, mode);
      done(id);
    })) as never);
  on("REMOVE", ((id: number, path: string) =>
    guarded(id, () => {
      rmSync(path);
      done(id);
    })) as never);
  on("RENAME", ((id: number, from: string, to: string) =>
    guarded(id, () => {
      renameSync(from, to);
      done(id);
    })) as never);
}
