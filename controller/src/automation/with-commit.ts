// Saves a round trip at the end of a transaction: its last statements and COMMIT are sent together. Used by the two
// transactions that every run pays for, create-execution.ts and record-batch.ts:
//
//   const { last } = await sql.begin(async (tx) => { …; return await withCommit(writeRows(tx)); });
//   const rows = await last; // rejects when a statement failed: PostgreSQL then made the commit a rollback

export async function withCommit<T>(last: Promise<T>): Promise<{ last: Promise<T> }> {
  last.catch(() => undefined); // handled by the caller, but only after the commit
  // The driver sends a statement two microtasks after it was awaited; COMMIT must come behind it on the wire.
  for (let turn = 0; turn < 8; turn++) await undefined;
  return { last };
}
