// The cluster's own certificate authority: made once in the database, its keys sealed with the key that is not there.
// Opened by lifecycle.ts before any listener; issues certificates for agents, for gRPC and for the console's HTTPS.

import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { OcError } from "@opsconductor/contract/errors";
import type { JsonGeneralName } from "@peculiar/x509";
import type { Context, Query } from "../context.ts";
import {
  type AuthorityRow,
  demoteIssuing,
  insertAuthority,
  listAuthorities,
  lockAuthorities,
} from "./authority-queries.ts";
import {
  exportPrivateKey,
  generateKeyPair,
  type Issuer,
  importPrivateKey,
  issueIssuing,
  issueLeaf,
  issueRoot,
  keyOfRequest,
  type LeafCertificate,
  parseCertificate,
  privateKeyPem,
  spkiPin,
} from "./certificates.ts";

const dayMs = 86_400_000;
const rootLifeMs = 3650 * dayMs;
const issuingLifeMs = 1095 * dayMs;
const issuingRenewBeforeMs = 180 * dayMs;
const serverLifeMs = 30 * dayMs;
const agentCertificateMs = dayMs;

export interface IssuedCertificate {
  /** Leaf first, then the issuing authority. */
  chainPem: string;
  /** Authorities to trust. */
  bundlePem: string;
  serial: string;
  notAfter: Date;
}

export interface ServerCertificate {
  /** Leaf, issuing and root: agents that enrol look for the pinned root in it. */
  chainPem: string;
  keyPem: string;
  notAfter: Date;
}

export interface AuthorityDescription {
  id: string;
  kind: "root" | "issuing";
  state: string;
  subject: string;
  notAfter: Date;
  /** Of the certificate's DER, hex. */
  sha256: string;
}

export interface CertificateAuthority {
  readonly clusterId: string;
  /** base64url sha256 of the root's public key: what join tokens carry. */
  readonly pin: string;
  readonly bundlePem: string;
  readonly authorities: readonly AuthorityDescription[];
  issueAgentCertificate(agentId: string, csrDer: Uint8Array, lifeMs?: number): Promise<IssuedCertificate>;
  issueControllerCertificate(names: readonly string[]): Promise<ServerCertificate>;
  issueHttpCertificate(names: readonly string[]): Promise<ServerCertificate>;
}

type Needs = Pick<Context, "sql" | "now" | "newId" | "keys" | "clusterId" | "controllerId">;

function agentUri(clusterId: string, agentId: string): string {
  return `spiffe://${clusterId}/agent/${agentId}`;
}

function controllerUri(clusterId: string, controllerId: string): string {
  return `spiffe://${clusterId}/controller/${controllerId}`;
}

/** Opens the authority, making it when the database holds none. Throws when the keys cannot be opened. */
export async function openCertificateAuthority(ctx: Needs): Promise<CertificateAuthority> {
  const rows = await ctx.sql.begin((tx) => ensureAuthorities(ctx, tx));
  const issuingRow = rows.find((r) => r.kind === "issuing" && r.state === "active")!;
  const issuing: Issuer = {
    certificate: parseCertificate(issuingRow.certificatePem),
    key: await importPrivateKey(openKey(ctx, issuingRow)),
  };
  return new Authority(ctx, issuing, issuingRow.certificatePem, rows);
}

class Authority implements CertificateAuthority {
  readonly clusterId: string;
  readonly pin: string;
  readonly bundlePem: string;
  readonly #ctx: Needs;
  readonly #issuing: Issuer;
  readonly #issuingPem: string;

  readonly authorities: readonly AuthorityDescription[];

  constructor(ctx: Needs, issuing: Issuer, issuingPem: string, rows: AuthorityRow[]) {
    const roots = rows.filter((r) => r.kind === "root");
    this.authorities = rows.map(describe);
    this.clusterId = ctx.clusterId;
    this.#ctx = ctx;
    this.#issuing = issuing;
    this.#issuingPem = issuingPem;
    this.bundlePem = roots.map((r) => r.certificatePem).join("");
    this.pin = spkiPin(parseCertificate((roots.find((r) => r.state === "active") ?? roots[0]!).certificatePem));
  }

  async issueAgentCertificate(agentId: string, csrDer: Uint8Array, lifeMs = agentCertificateMs) {
    const publicKey = await keyOfRequest(csrDer);
    const now = this.#ctx.now();
    const leaf = await issueLeaf(this.#issuing, {
      publicKey,
      usage: "client",
      names: [{ type: "url", value: agentUri(this.clusterId, agentId) }],
      now,
      notAfter: this.#until(now, lifeMs),
    });
    return {
      chainPem: leaf.pem + this.#issuingPem,
      bundlePem: this.bundlePem,
      serial: leaf.serial,
      notAfter: leaf.notAfter,
    };
  }

  issueControllerCertificate(names: readonly string[]): Promise<ServerCertificate> {
    const uri: JsonGeneralName = { type: "url", value: controllerUri(this.clusterId, this.#ctx.controllerId) };
    return this.#issueServer([...hostNames(names), uri]);
  }

  issueHttpCertificate(names: readonly string[]): Promise<ServerCertificate> {
    return this.#issueServer(hostNames(names));
  }

  async #issueServer(names: JsonGeneralName[]): Promise<ServerCertificate> {
    const keys = await generateKeyPair();
    const now = this.#ctx.now();
    const leaf: LeafCertificate = await issueLeaf(this.#issuing, {
      publicKey: keys.publicKey,
      usage: "server",
      names,
      now,
      notAfter: this.#until(now, serverLifeMs),
    });
    return {
      chainPem: leaf.pem + this.#issuingPem + this.bundlePem,
      keyPem: privateKeyPem(await exportPrivateKey(keys.privateKey)),
      notAfter: leaf.notAfter,
    };
  }

  #until(now: Date, lifeMs: number): Date {
    return new Date(Math.min(now.getTime() + lifeMs, this.#issuing.certificate.notAfter.getTime()));
  }
}

function describe({ id, kind, state, notAfter, certificatePem }: AuthorityRow): AuthorityDescription {
  const certificate = parseCertificate(certificatePem);
  const sha256 = createHash("sha256").update(Buffer.from(certificate.rawData)).digest("hex");
  return { id, kind, state, notAfter, subject: certificate.subject, sha256 };
}

async function ensureAuthorities(ctx: Needs, tx: Query): Promise<AuthorityRow[]> {
  await lockAuthorities(tx);
  const rows = await listAuthorities(tx);
  const rootRow = rows.find((r) => r.kind === "root" && r.state === "active");
  if (!rootRow) return makeAuthorities(ctx, tx);
  const issuing = rows.find((r) => r.kind === "issuing" && r.state === "active");
  const now = ctx.now();
  if (issuing && issuing.notAfter.getTime() - now.getTime() > issuingRenewBeforeMs) return rows;
  if (!rootRow.keySealed) return keepIssuing(issuing, rows, now);
  const root = {
    certificate: parseCertificate(rootRow.certificatePem),
    key: await importPrivateKey(openKey(ctx, rootRow)),
  };
  return [...rows.filter((r) => r !== issuing), await makeIssuing(ctx, tx, root)];
}

/** The root's key was taken out: what is there serves until it expires, then only a person can help. */
function keepIssuing(issuing: AuthorityRow | undefined, rows: AuthorityRow[], now: Date): AuthorityRow[] {
  if (issuing && issuing.notAfter > now) return rows;
  throw new OcError(
    "failed_precondition",
    "The issuing certificate has expired and the root's key is not in the database: restore the root key, start again",
  );
}

async function makeAuthorities(ctx: Needs, tx: Query) {
  const now = ctx.now();
  const name = `CN=OpsConductor root ${ctx.clusterId.slice(0, 8)}`;
  const root = await issueRoot(name, new Date(now.getTime() + rootLifeMs), now);
  const rootRow = await toRow(ctx, "root", root);
  await insertAuthority(tx, rootRow);
  return [rootRow, await makeIssuing(ctx, tx, root)];
}

async function makeIssuing(ctx: Needs, tx: Query, root: Issuer) {
  const now = ctx.now();
  const end = Math.min(now.getTime() + issuingLifeMs, root.certificate.notAfter.getTime());
  const subject = `CN=OpsConductor issuing ${ctx.clusterId.slice(0, 8)}`;
  const row = await toRow(ctx, "issuing", await issueIssuing(root, subject, new Date(end), now));
  await insertAuthority(tx, row);
  await demoteIssuing(tx, row.id);
  return row;
}

async function toRow(ctx: Needs, kind: "root" | "issuing", { certificate, key }: Issuer): Promise<AuthorityRow> {
  const id = ctx.newId();
  const keySealed = ctx.keys.seal(sealContext(id), await exportPrivateKey(key));
  const certificatePem = `${certificate.toString("pem")}\n`;
  return { id, kind, state: "active", certificatePem, keySealed, notAfter: certificate.notAfter };
}

function openKey(ctx: Needs, row: AuthorityRow): Buffer {
  return ctx.keys.open(sealContext(row.id), row.keySealed!);
}

function sealContext(id: string): string {
  return `fleet.authorities/${id}`;
}

function hostNames(names: readonly string[]): JsonGeneralName[] {
  return [...new Set(names)].map((value) => ({ type: isIP(value) ? "ip" : "dns", value }));
}

/** Every name and address by which this machine may be dialled, beside the ones that the configuration names. */
export function machineNames(configured: readonly string[]): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map((a) => a.address.replace(/%.*$/, ""));
  const wildcard = new Set(["0.0.0.0", "::", ""]);
  const all = [...configured, hostname(), "localhost", "127.0.0.1", "::1", ...addresses];
  return [...new Set(all)].filter((n) => !wildcard.has(n));
}
