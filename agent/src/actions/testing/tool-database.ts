// A real MariaDB or PostgreSQL server of the tool room, at a port of its own, with TLS, one user and one database. For
// sql.tools.test.ts.
import "reflect-metadata";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { ToolRoom } from "./tool-room.ts";

export type Engine = "mysql" | "postgresql";

const account = { mysql: "mysql", postgresql: "postgres" };
export const databaseUser = { username: "ops", password: 'it\'s "quoted" $(id)' };

export class ToolDatabase {
  readonly port: number;
  /** In PEM; it signed the server's certificate, which is for 127.0.0.1 and db.test. */
  readonly authority: string;
  readonly #room = new ToolRoom(["setpriv", "chown", "mariadb-install-db"]);
  readonly #folder: string;
  #server: ChildProcess | undefined;
  #said = "";

  private constructor(port: number, authority: string) {
    this.port = port;
    this.authority = authority;
    this.#folder = mkdtempSync(join(this.#room.folder, "var/tmp/db-"));
  }

  static async start(engine: Engine): Promise<ToolDatabase> {
    const { authority, cert, key } = await certificates();
    const made = new ToolDatabase(await freePort(), authority);
    writeFileSync(join(made.#folder, "cert.pem"), cert);
    writeFileSync(join(made.#folder, "key.pem"), key, { mode: 0o600 });
    chmodSync(made.#folder, 0o755);
    made.#run("chown", ["-R", `${account[engine]}:`, made.#inside]);
    await (engine === "mysql" ? made.#startMariadb() : made.#startPostgresql());
    return made;
  }

  /** Where its socket is, as this process sees it. */
  get socketFolder(): string {
    return this.#folder;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server !== undefined && server.exitCode === null) {
      server.kill("SIGKILL");
      await once(server, "close");
    }
    rmSync(this.#folder, { recursive: true });
    this.#room.close();
  }

  get #inside(): string {
    return this.#folder.slice(this.#room.folder.length);
  }

  async #startMariadb(): Promise<void> {
    const folder = this.#inside;
    this.#run("mariadb-install-db", ["--no-defaults", "--user=mysql", `--datadir=${folder}/data`, "--skip-test-db"]);
    const { username, password } = databaseUser;
    const user = `'${username}'@'%' identified by '${password.replaceAll("'", "''")}'`;
    const begin = [
      "create database shop character set utf8mb4",
      `create user ${user}`,
      `grant all on shop.* to '${username}'@'%'`,
    ];
    writeFileSync(join(this.#folder, "begin.sql"), begin.map((one) => `${one};\n`).join(""));
    await this.#serve("mysql", "ready for connections", [
      ...["mariadbd", "--no-defaults", `--datadir=${folder}/data`, `--socket=${folder}/socket`],
      ...[`--port=${this.port}`, "--bind-address=127.0.0.1", "--skip-name-resolve", `--init-file=${folder}/begin.sql`],
      ...[`--ssl-cert=${folder}/cert.pem`, `--ssl-key=${folder}/key.pem`, `--pid-file=${folder}/pid`],
    ]);
  }

  async #startPostgresql(): Promise<void> {
    const folder = this.#inside;
    const { username, password } = databaseUser;
    writeFileSync(join(this.#folder, "password"), password);
    const make = ["initdb", "-D", `${folder}/data`, "-A", "scram-sha-256", "-U", username, "--no-sync"];
    this.#run("setpriv", [...as("postgresql"), ...make, `--pwfile=${folder}/password`]);
    const set = (name: string, value: string) => ["-c", `${name}=${value}`];
    await this.#serve("postgresql", "ready to accept connections", [
      ...["postgres", "-D", `${folder}/data`, "-p", String(this.port), "-k", folder],
      ...[...set("listen_addresses", "127.0.0.1"), ...set("ssl", "on")],
      ...[...set("ssl_cert_file", `${folder}/cert.pem`), ...set("ssl_key_file", `${folder}/key.pem`)],
    ]);
  }

  async #serve(engine: Engine, ready: string, command: readonly string[]): Promise<void> {
    const env = this.#room.environment;
    const server = spawn("setpriv", [...as(engine), ...command], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#server = server;
    for (const stream of [server.stdout, server.stderr])
      stream.setEncoding("utf8").on("data", (text) => (this.#said += text));
    await until(`${engine} to be ready`, () => {
      if (server.exitCode !== null) throw new Error(`${engine} ended: ${this.#said}`);
      return this.#said.includes(ready);
    });
  }

  #run(program: string, args: readonly string[]): void {
    execFileSync(program, args, { env: this.#room.environment, stdio: "pipe" });
  }
}

/** Arguments of setpriv. */
function as(engine: Engine): string[] {
  return [`--reuid=${account[engine]}`, `--regid=${account[engine]}`, "--clear-groups"];
}

async function certificates(): Promise<{ authority: string; cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [rootKeys, keys] = [await newKeys(), await newKeys()];
  const common = { notAfter: new Date(Date.now() + 86_400_000), signingAlgorithm: algorithm };
  const root = await X509CertificateGenerator.createSelfSigned({
    ...common,
    name: "CN=lab root",
    keys: rootKeys,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  });
  const names = [
    { type: "ip", value: "127.0.0.1" },
    { type: "dns", value: "db.test" },
  ] as const;
  const leaf = await X509CertificateGenerator.create({
    ...common,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [new SubjectAlternativeNameExtension([...names])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replaceAll(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
  return { authority: root.toString("pem"), cert: `${leaf.toString("pem")}\n`, key };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
