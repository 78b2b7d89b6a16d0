// Hears what any transaction tells on one channel with pg_notify, once it has committed. A connection of its own, which
// holds nothing: whoever calls this listens again when it was lost. Called by the controller's rights-changes.ts and
// postgres-peers.ts.
import postgres from "postgres";
import type { Sql } from "./connect.ts";

export interface Listening {
  /** The connection is gone: what is told from now on is not heard. */
  lost: Promise<void>;
  stop(): Promise<void>;
}

/** To the database of `sql`. Resolves when it hears; rejects when the database does not let it. */
export async function listen(sql: Sql, channel: string, heard: (payload: string) => void): Promise<Listening> {
  const { promise: lost, resolve: onclose } = Promise.withResolvers<void>();
  const { connection } = sql.options;
  const own = postgres({
    ...(sql.options as object),
    ...{ max: 1, idle_timeout: null, max_lifetime: null, fetch_types: false },
    connection: { ...connection, application_name: `${connection.application_name} listener` },
    onnotify: (_: string, payload: string) => heard(payload),
    onclose: () => onclose(),
  } as object);
  const stop = () => own.end({ timeout: 0 });
  try {
    await own`listen ${own(channel)}`;
  } catch (error) {
    await stop();
    throw error;
  }
  return { lost, stop };
}
