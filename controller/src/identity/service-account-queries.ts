// SQL of what lists of service accounts tell about their tokens.
import type { Query } from "../context.ts";

export interface TokenSum {
  live: bigint;
  lastUsedAt: Date | null;
}

export async function selectTokenSums(q: Query, userIds: string[], now: Date): Promise<Map<string, TokenSum>> {
  const rows = await q<(TokenSum & { userId: string })[]>`
    select user_id, count(*) filter (where revoked_at is null and (expires_at is null or expires_at > ${now})) as live,
      max(last_used_at) as last_used_at
    from identity.api_tokens where user_id = any(${userIds}::uuid[]) group by user_id`;
  return new Map(rows.map((row) => [row.userId, row]));
}
