// The test's own record of every write that the words of an agent caused: by which controller, at which epoch of the
// agent's session, and whether the writing transaction held that session's row, which is the fence. Triggers in the test's
// database; the product knows nothing of it. Called by the fault tests that take sessions over.
import type { Query } from "@opsconductor/database/connect";

export interface AgentWrite {
  id: number;
  at: Date;
  agent: string;
  what: "events" | "output";
  /** Of the session as it was when the write happened. */
  epoch: bigint | null;
  controller: string | null;
  /** Who wrote, by the name of its connection. */
  writer: string;
  /** The transaction has locked the session's row. */
  fenced: boolean;
}

/** As the owner of the database, after installTransitions. */
export async function installWrites(owner: Query): Promise<void> {
  await owner.unsafe(`
    create table faults.writes (
      id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(),
      agent_id uuid not null, what text not null, epoch bigint, controller_id uuid, writer text not null,
      fenced boolean not null
    );
    create index on faults.writes (agent_id, at);
    -- Who locks a row leaves its number in xmax, alone or as a member of a multixact.
    create function faults.locked_by_us(locker xid) returns boolean language plpgsql as $$
    declare mine bigint := pg_current_xact_id()::text::bigint & 4294967295;
    begin
      if locker::text::bigint = mine then return true; end if;
      if locker::text::bigint = 0 then return false; end if;
      return exists (select from pg_get_multixact_members(locker) m where m.xid::text::bigint = mine);
    exception when others then
      return false; -- the number of a transaction, not of a multixact
    end $$;
    create function faults.note_write(agent uuid, what text) returns void language sql as $$
      insert into faults.writes (agent_id, what, epoch, controller_id, writer, fenced)
      select agent, what, s.epoch, s.controller_id, current_setting('application_name'), faults.locked_by_us(s.xmax)
      from fleet.agent_sessions s where s.agent_id = agent
    $$;
    create function faults.note_events() returns trigger language plpgsql security definer as $$
    begin
      perform faults.note_write(new.agent_id, 'events');
      return null;
    end $$;
    create trigger faults_writes after update on automation.assignments
      for each row when (new.last_seq > old.last_seq) execute function faults.note_events();
    create function faults.note_output_write() returns trigger language plpgsql security definer as $$
    begin
      perform faults.note_write(a.agent_id, 'output') from automation.assignments a where a.id = new.assignment_id;
      return null;
    end $$;
    create trigger faults_writes after insert on automation.output
      for each row execute function faults.note_output_write();`);
}

export async function readWrites(owner: Query): Promise<AgentWrite[]> {
  const rows = await owner<(Omit<AgentWrite, "id"> & { id: bigint })[]>`
    select id, at, agent_id as agent, what, epoch, controller_id as controller, writer, fenced
    from faults.writes order by id`;
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/** The first write of this agent after `since`, of a session from `fromEpoch` on; undefined while there is none. */
export async function firstWriteAfter(
  owner: Query,
  agentId: string,
  since: Date,
  fromEpoch: bigint,
): Promise<{ at: Date; epoch: bigint } | undefined> {
  const [row] = await owner<{ at: Date; epoch: bigint }[]>`
    select at, epoch from faults.writes where agent_id = ${agentId} and at > ${since} and epoch >= ${fromEpoch}
    order by at limit 1`;
  return row;
}
