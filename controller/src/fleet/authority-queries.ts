// Rows of fleet.authorities; called by certificate-authority.ts alone.
import type { Query } from "../context.ts";

export interface AuthorityRow {
  id: string;
  kind: "root" | "issuing";
  state: "trusted" | "active" | "retired";
  certificatePem: string;
  keySealed: Buffer | null;
  notAfter: Date;
}

/** Two controllers starting on an empty database must not make two authorities. Held until the transaction ends. */
export async function lockAuthorities(tx: Query): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('fleet.authorities'))`;
}

export async function listAuthorities(sql: Query): Promise<AuthorityRow[]> {
  return sql<AuthorityRow[]>`
    select id, kind, state, certificate_pem, key_sealed, not_after from fleet.authorities
    where state <> 'retired' order by created_at, id`;
}

export async function insertAuthority(tx: Query, row: AuthorityRow): Promise<void> {
  await tx`
    insert into fleet.authorities (id, kind, state, certificate_pem, key_sealed, not_after)
    values (${row.id}, ${row.kind}, ${row.state}, ${row.certificatePem}, ${row.keySealed}, ${row.notAfter})`;
}

export async function demoteIssuing(tx: Query, exceptId: string): Promise<void> {
  await tx`
    update fleet.authorities set state = 'trusted'
    where kind = 'issuing' and state = 'active' and id <> ${exceptId}`;
}
