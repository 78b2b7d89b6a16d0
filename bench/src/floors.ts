// What one execution cannot do without, each part alone and bare on this machine in this run. Called by dispatch.ts and output.ts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Client, credentials, makeGenericClientConstructor, Server, ServerCredentials } from "@grpc/grpc-js";
import { connect } from "@opsconductor/database/connect";
import { startEmbeddedPostgres } from "@opsconductor/database/embedded/embedded-postgres";
import { median, timed } from "./figures.ts";

const times = 200;
const path = "/bench.Echo/Stream";

/** Inserting one row and committing it, in an embedded PostgreSQL with the product's settings. */
export async function commitMs(folder: string): Promise<number> {
  const dataDir = mkdtempSync(join(folder, "floor-"));
  const log = { info() {}, warn: console.warn, error: console.error };
  const server = await startEmbeddedPostgres({ dataDir, log });
  const sql = connect(server.owner, { max: 1 });
  try {
    await sql`create table one (id integer, text text)`;
    return median(await timed(times, (index) => sql`insert into one values (${index}, 'row')`));
  } finally {
    await sql.end();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
}

/** `copy` of that many bytes, as rows of 64 KiB of lines and committed, in an embedded PostgreSQL; median of five. */
export async function copyMs(folder: string, bytes: number, bytesOfLine: number): Promise<number> {
  const dataDir = mkdtempSync(join(folder, "floor-"));
  const log = { info() {}, warn: console.warn, error: console.error };
  const server = await startEmbeddedPostgres({ dataDir, log });
  const sql = connect(server.owner, { max: 1 });
  const row = Buffer.from(`${"0".repeat(bytesOfLine - 1)}\\n`.repeat(65_536 / bytesOfLine));
  try {
    await sql`create table one (data text)`;
    const copy = async () => {
      const into = await sql`copy one from stdin`.writable();
      const rows = function* () {
        for (let sent = 0; sent < bytes; sent += row.length) yield Buffer.concat([row, Buffer.from("\n")]);
      };
      await pipeline(Readable.from(rows()), into);
      await sql`truncate one`;
    };
    return median(await timed(5, copy));
  } finally {
    await sql.end();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
}

/** One row of the agent's kind of journal, on the disk when it returns. */
export async function journalMs(folder: string): Promise<number> {
  const file = join(folder, "floor.sqlite");
  const database = new DatabaseSync(file);
  try {
    database.exec("pragma journal_mode = wal; pragma synchronous = full; create table one (id integer, text text)");
    const insert = database.prepare("insert into one values (?, 'row')");
    return median(await timed(times, (index) => insert.run(index)));
  } finally {
    database.close();
    for (const ending of ["", "-wal", "-shm"]) rmSync(file + ending, { force: true });
  }
}

/** Starting `sh -c true` and seeing its end. */
export async function shellMs(): Promise<number> {
  return median(await timed(times, () => once(spawn("/bin/sh", ["-c", "true"], { stdio: "ignore" }), "exit")));
}

const stream = {
  path,
  requestStream: true,
  responseStream: true,
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
};

/** A gRPC server of loopback, without TLS, that answers every message of a stream with itself. */
export async function echoServer(): Promise<{ port: number; close(): void }> {
  const server = new Server();
  server.addService({ stream }, { stream: (call: NodeJS.ReadWriteStream) => void call.pipe(call) });
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), done);
  });
  return { port, close: () => server.forceShutdown() };
}

/** A message and its answer on an open gRPC stream of loopback, without TLS. */
export async function grpcMs(): Promise<number> {
  const { port, close } = await echoServer();
  const Echo = makeGenericClientConstructor({ stream }, "Echo");
  const client = new Echo(`127.0.0.1:${port}`, credentials.createInsecure()) as Client;
  const call = client.makeBidiStreamRequest(path, stream.requestSerialize, stream.responseDeserialize);
  try {
    const message = Buffer.alloc(500);
    return median(
      await timed(times, async () => {
        call.write(message);
        await once(call, "data");
      }),
    );
  } finally {
    const over = once(call, "status");
    call.end();
    await over; // closing the client earlier would be an error of the stream
    client.close();
    close();
  }
}
