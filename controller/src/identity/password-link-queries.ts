// SQL of the one-time links with which users set a password.
import type { Query } from "../context.ts";

export interface NewPasswordLink {
  sha256: Buffer;
  userId: string;
  kind: "invitation" | "reset";
  createdBy: string | null;
  createdAt: Date;
  expiresAt: Date;
}

/** Replaces the user's links that were not used yet. */
export async function insertPasswordLink(tx: Query, link: NewPasswordLink): Promise<void> {
  await tx`delete from identity.password_links where user_id = ${link.userId} and used_at is null`;
  await tx`
    insert into identity.password_links (sha256, user_id, kind, created_by, created_at, expires_at)
    values (${link.sha256}, ${link.userId}, ${link.kind}, ${link.createdBy}, ${link.createdAt}, ${link.expiresAt})`;
}

export interface LinkRow {
  userId: string;
  username: string;
  kind: "invitation" | "reset";
  createdBy: string | null;
}

/** Of an active user, unused and in time. */
export async function selectPasswordLink(q: Query, sha256: Buffer, now: Date): Promise<LinkRow | undefined> {
  const [row] = await q<LinkRow[]>`
    select l.user_id, u.username, l.kind, l.created_by from identity.password_links l join identity.users u on u.id = l.user_id
    where l.sha256 = ${sha256} and l.used_at is null and l.expires_at > ${now} and u.active`;
  return row;
}

/** True for one of those who try at once. */
export async function takePasswordLink(tx: Query, sha256: Buffer, now: Date): Promise<boolean> {
  const { count } = await tx`
    update identity.password_links set used_at = ${now}
    where sha256 = ${sha256} and used_at is null and expires_at > ${now}`;
  return count > 0;
}

export async function deletePasswordLinks(tx: Query, userId: string): Promise<void> {
  await tx`delete from identity.password_links where user_id = ${userId} and used_at is null`;
}
