-- The first schema: five domains, one Postgres schema each. History (executions and what hangs on them) is
-- range-partitioned by UUIDv7 from the start, because adding that later means rewriting the largest tables.
-- Rows of history carry no foreign keys among themselves: they are written in one transaction by one module each,
-- a key check would lock the execution's row for every step, and retention drops whole partitions.

create schema identity;
create schema assets;
create schema fleet;
create schema automation;
create schema communication;

-- ---- fleet: the cluster itself -----------------------------------------------------------------------------

create table fleet.cluster (
  singleton boolean primary key default true check (singleton),
  id uuid not null,
  generation integer not null default 1,         -- high part of every fence; raised after a restore
  key_check bytea,                               -- proves that ENCRYPTION_KEY is the one this database was made with
  life_started_at timestamptz,                   -- start of the PostgreSQL process that is known; another one: look first
  dispatch_paused_at timestamptz,                -- agents know this database further on than it is: nothing is offered
  dispatch_paused jsonb,                         -- who said so, and what
  restored_at timestamptz,                       -- of the latest accepted restore: what was queued before may have run
  revocations bigint not null default 0,         -- raised when an agent loses its trust; controllers read it each second
  created_at timestamptz not null default now()
);

-- One row for each start of PostgreSQL. Positions of the log only grow within a history, so whatever was told before a
-- start lies below its position: an agent that has heard of more comes from a history that was cut off by a restore.
create table fleet.database_lives (
  id uuid primary key,
  system_id text not null,
  started_at timestamptz not null,               -- of the postmaster
  position bigint not null,
  registered_at timestamptz not null,
  unique (system_id, started_at)
);

create table fleet.controllers (
  id uuid primary key,
  started_at timestamptz not null,
  lease_until timestamptz not null,
  version text not null,
  hostname text not null
);

create table fleet.authorities (
  id uuid primary key,
  kind text not null check (kind in ('root', 'issuing')),
  state text not null check (state in ('trusted', 'active', 'retired')),
  certificate_pem text not null,
  key_sealed bytea,                              -- encrypted with ENCRYPTION_KEY; null once the root was taken out
  not_after timestamptz not null,
  created_at timestamptz not null default now()
);

create table fleet.enrollment_tokens (
  id text primary key,                           -- the public half
  secret_sha256 bytea not null,
  name_pattern text,                             -- glob that the host's name must match
  labels jsonb not null default '{}',
  cidr cidr,
  created_by uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by_key bytea,                             -- identity key that consumed it
  used_by_agent uuid,
  refused_at timestamptz,                        -- another key tried it after it was used
  revoked_at timestamptz
);

create table fleet.agents (
  id uuid primary key,
  name text not null,
  status text not null check (status in ('active', 'quarantined', 'revoked')),
  status_reason text,
  quarantine jsonb,                              -- what was noticed, and where each copy was seen
  identity_key bytea not null unique,
  sealing_key bytea not null,
  current_serial text,
  pending_serial text,                           -- issued, becomes current on its first use
  previous_serial text,                          -- was current before; on a connection opened later it means theft
  serial_activated_at timestamptz,               -- when current_serial was first used
  certificate_not_after timestamptz,
  reauthentications integer not null default 0,  -- since the last renewal by certificate
  version text,
  protocol_version integer,
  platform jsonb not null default '{}',
  actions text[] not null default '{}',
  facts jsonb not null default '{}',
  facts_at timestamptz,
  vitals jsonb not null default '{}',            -- load, cpu, memory of the last heartbeat written
  labels jsonb not null default '{}',
  journal_id text,
  journal_position bigint,
  enrolled_at timestamptz not null default now(),
  enrolled_by text,                              -- enrolment token
  own_target_id uuid,                            -- the host it runs on, as inventory: made at enrolment
  assignment_limit integer check (assignment_limit between 1 and 10000), -- runs at most so many at once; null: as automation.limits says
  last_seen_at timestamptz,
  revision bigint not null default 1
);
create unique index agents_name on fleet.agents (lower(name)) where status <> 'revoked';
create index agents_distrusted on fleet.agents (status, id) where status <> 'active';
create index agents_before_hello on fleet.agents (id) where journal_id is null;

-- Changes only at hello and close; every write that a stream causes locks this row `for share` and names the epoch.
create table fleet.agent_sessions (
  agent_id uuid primary key references fleet.agents,
  epoch bigint not null,
  controller_id uuid,                            -- null: nobody holds it
  last_controller_id uuid,                       -- that held the latest stream
  incarnation text,
  past_incarnations text[] not null default '{}', -- the latest 16 that were replaced; one that returns is a clone
  boot_id text,
  serial text,
  remote_address text,
  connected_at timestamptz,
  closed_at timestamptz,
  close_reason text
);

-- Nonces for agents whose certificate expired while they were away; one use, 60 s.
create table fleet.challenges (
  nonce bytea primary key,
  agent_id uuid not null references fleet.agents,
  expires_at timestamptz not null
);

-- ---- identity ----------------------------------------------------------------------------------------------

create table identity.roles (
  id uuid primary key,
  name text not null unique,
  description text not null default '',
  permissions text[] not null,
  built_in boolean not null default false,
  mfa_required boolean not null default false    -- who has it must have a second factor before anything else
);

create table identity.users (
  id uuid primary key,
  kind text not null default 'person' check (kind in ('person', 'service')),
  username text not null,
  display_name text not null default '',
  email text,
  phone text not null default '',
  job_title text not null default '',
  password_hash text,
  must_change_password boolean not null default false,
  active boolean not null default true,
  preferences jsonb not null default '{}',
  last_sign_in_at timestamptz,
  wrong_codes integer not null default 0,        -- of second factors, in a row
  codes_blocked_until timestamptz,
  credentials_epoch bigint not null default 1,   -- goes up with every change of what signs in; a sign-in that began before is void
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  revision bigint not null default 1,
  constraint services_have_no_password check (kind = 'person' or password_hash is null)
);
create unique index users_username on identity.users (lower(username));
create index users_imported on identity.users (id) where password_hash like '$2%';

create table identity.user_roles (
  user_id uuid not null references identity.users,
  role_id uuid not null references identity.roles,
  primary key (user_id, role_id)
);
create index user_roles_role on identity.user_roles (role_id);

-- One-time links with which a user sets a password: invitations and resets. Only the sha256 of the secret is kept.
create table identity.password_links (
  sha256 bytea primary key,
  user_id uuid not null references identity.users,
  kind text not null check (kind in ('invitation', 'reset')),
  created_by uuid references identity.users,       -- null: the system
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index password_links_user on identity.password_links (user_id);

create table identity.sessions (
  id uuid primary key,
  user_id uuid not null references identity.users,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  idle_until timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_reason text,
  address text,
  user_agent text,
  methods text[] not null default '{}',          -- what was proven at the sign-in: password, totp, recovery, passkey
  authenticated_at timestamptz not null default now(), -- the latest proof; dangerous acts ask for a recent one
  provider_sid text                              -- the session at the OpenID provider that it came from, where that names one
);
create index sessions_provider on identity.sessions (provider_sid) where provider_sid is not null and revoked_at is null;
create index sessions_user on identity.sessions (user_id) where revoked_at is null;
create index sessions_address on identity.sessions (user_id, address);

-- A used token presented again after its grace means theft: the whole session is revoked.
create table identity.refresh_tokens (
  sha256 bytea primary key,
  session_id uuid not null references identity.sessions on delete cascade,
  issued_at timestamptz not null default now(),
  used_at timestamptz,
  successor_salt bytea                           -- makes the next token of this one, for whoever presents it again in its grace
);
create index refresh_tokens_session on identity.refresh_tokens (session_id);

-- Authenticator apps (RFC 6238). The seed is encrypted with the key outside the database.
create table identity.totp_factors (
  user_id uuid primary key references identity.users,
  seed_sealed bytea not null,
  created_at timestamptz not null,
  confirmed_at timestamptz,                      -- null: shown, and not proven yet
  last_step bigint not null default 0            -- the newest time step accepted; it and those before are refused
);

create table identity.passkeys (
  id uuid primary key,
  user_id uuid not null references identity.users,
  credential_id bytea not null unique,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null default '{}',
  backed_up boolean not null,
  name text not null,
  created_at timestamptz not null,
  last_used_at timestamptz
);
create index passkeys_user on identity.passkeys (user_id);

-- Only a MAC under the key outside the database is kept: what is in a backup cannot be tried out.
create table identity.recovery_codes (
  user_id uuid not null references identity.users,
  mac bytea not null,
  used_at timestamptz,
  primary key (user_id, mac)
);

-- Ceremonies of two requests: a password that waits for its second factor, a passkey that waits for its signature. Only the
-- sha256 of what the browser holds is kept; one use.
create table identity.auth_challenges (
  sha256 bytea primary key,
  purpose text not null check (purpose in ('second-factor', 'passkey-sign-in', 'passkey-add', 'passkey-step-up')),
  user_id uuid references identity.users,        -- null: whoever the passkey belongs to
  session_id uuid,                               -- that asked, where one is open
  webauthn_challenge text,
  first_proof text not null default 'password',  -- of a second factor: what came before it
  credentials_epoch bigint,                      -- of the user, when the first proof was found right
  provider_sid text,                             -- of a sign-on that waits for its second factor: see sessions
  password_step bytea,                           -- of a passkey that is the second factor: the challenge that the password gave
  wrong_codes integer not null default 0,
  expires_at timestamptz not null
);
create index auth_challenges_expiry on identity.auth_challenges (expires_at);

-- Who an account is at an OpenID provider. Never found by e-mail or name: only by what the provider says never changes.
create table identity.external_accounts (
  issuer text not null,
  subject text not null,
  user_id uuid not null unique references identity.users,
  name text not null default '',                 -- as the provider called them last
  linked_at timestamptz not null,
  last_sign_in_at timestamptz,
  primary key (issuer, subject)
);

-- States of sign-ons that came back, and logout tokens of the provider: each is good once. Kept until it would be too old anyway.
create table identity.oidc_states (
  sha256 bytea primary key,
  expires_at timestamptz not null
);
create index oidc_states_expiry on identity.oidc_states (expires_at);

-- What programs sign in with. Only the sha256 is kept: 32 random bytes need no slow hash.
create table identity.api_tokens (
  id uuid primary key,
  user_id uuid not null references identity.users,
  name text not null,
  sha256 bytea not null unique,
  ending text not null,                          -- its last signs before the checksum, to recognise one that was found
  scopes text[] not null,                        -- permissions, intersected with the owner's at each request; '*': all of them
  parent_id uuid references identity.api_tokens, -- made with that token, and revoked with it
  created_by uuid references identity.users,
  created_at timestamptz not null,
  expires_at timestamptz,                        -- null: never, for services where the configuration allows it
  last_used_at timestamptz,                      -- written now and then, not at each request
  last_used_address text,
  revoked_at timestamptz,
  refused_at timestamptz                         -- when its use after the end was last put into the audit log
);
create index api_tokens_user on identity.api_tokens (user_id, id desc);
create index api_tokens_parent on identity.api_tokens (parent_id) where parent_id is not null;

create table identity.signing_keys (
  id uuid primary key,
  purpose text not null,
  key_sealed bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

-- ---- assets ------------------------------------------------------------------------------------------------

create table assets.targets (
  id uuid primary key,
  name text not null,
  hostname text,
  address text,
  os text,
  description text not null default '',
  labels jsonb not null default '{}',            -- flat object of strings
  attributes jsonb not null default '{}',
  managed_by_agent_id uuid references fleet.agents,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  revision bigint not null default 1
);
create unique index targets_name on assets.targets (lower(name)) where deleted_at is null;
create index targets_agent on assets.targets (managed_by_agent_id) where deleted_at is null;
create index targets_labels on assets.targets using gin (labels jsonb_path_ops) where deleted_at is null;

-- What its own agent told. Apart from the target, whose row would be six times as wide: choosing by anything else reads
-- all targets and would carry the facts along. Nor are they compressed, which would be undone for each target asked.
create table assets.target_facts (
  target_id uuid primary key references assets.targets on delete cascade,
  facts jsonb storage main not null
) with (toast_tuple_target = 8160);
-- What was written lately is searched row by row until it is merged: less of it than PostgreSQL's own 4 MB.
create index target_facts_facts on assets.target_facts using gin (facts jsonb_path_ops)
  with (gin_pending_list_limit = 256);

create table assets.services (
  id uuid primary key,
  target_id uuid not null references assets.targets on delete cascade,
  type text not null,
  port integer not null check (port between 1 and 65535),
  secure boolean not null default false,
  is_default boolean not null default false,
  enabled boolean not null default true,
  credential_kind text,
  credential_secret text
);
create index services_target on assets.services (target_id);
-- PostgreSQL answers from an index alone only when the column itself is in it, besides what is made of it.
create index services_type on assets.services (lower(type collate "C"), target_id) include (type) where enabled;

-- A forest: the name alone says which group is meant, so it is unique in all of it.
create table assets.groups (
  id uuid primary key,
  name text not null,
  description text not null default '',
  parent_id uuid references assets.groups,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  revision bigint not null default 1
);
create unique index groups_name on assets.groups (lower(name));
create index groups_parent on assets.groups (parent_id);

create table assets.group_members (
  group_id uuid not null references assets.groups on delete cascade,
  target_id uuid not null references assets.targets on delete cascade,
  primary key (group_id, target_id)
);
create index group_members_target on assets.group_members (target_id);

-- Two moves that are harmless alone can close a circle together, so moves wait for each other; what the one before
-- committed is seen here, because every statement of a volatile function reads anew.
create function assets.refuse_group_cycle() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  perform pg_advisory_xact_lock(hashtext('assets.groups'));
  if exists (
    with recursive above as (
      select id, parent_id from assets.groups where id = new.parent_id
      union
      select g.id, g.parent_id from assets.groups g join above on g.id = above.parent_id
    )
    select from above where id = new.id
  ) or new.parent_id = new.id then
    raise exception 'a group would lie below itself' using errcode = 'check_violation', constraint = 'groups_cycle';
  end if;
  return new;
end
$$;
create trigger refuse_group_cycle before insert or update of parent_id on assets.groups
  for each row when (new.parent_id is not null) execute function assets.refuse_group_cycle();

-- These groups and all below them.
create function assets.group_subtree(roots uuid[]) returns setof uuid language sql stable strict
set search_path = pg_catalog as $$
  with recursive below as (
    select unnest(roots) as id
    union
    select g.id from assets.groups g join below on g.parent_id = below.id
  )
  select id from below
$$;

-- ---- automation --------------------------------------------------------------------------------------------

create table automation.jobs (
  id uuid primary key,
  number bigint generated always as identity,
  name text not null,
  description text not null default '',
  labels jsonb not null default '{}',
  latest_version integer not null,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  revision bigint not null default 1
);
create unique index jobs_name on automation.jobs (lower(name)) where deleted_at is null;
create unique index jobs_number on automation.jobs (number);

-- Immutable. `definition` is the exact bytes that were saved: signatures are made over them.
create table automation.job_versions (
  job_id uuid not null references automation.jobs,
  version integer not null,
  definition bytea not null,
  media_type text not null,
  sha256 bytea not null,
  spec jsonb not null,
  message text not null default '',
  created_by uuid,
  created_at timestamptz not null default now(),
  primary key (job_id, version)
);

create sequence automation.fence_sequence;
create sequence automation.execution_number;

create table automation.executions (
  id uuid not null,                              -- UUIDv7: also the time of creation
  number bigint not null,
  job_id uuid not null,
  job_name text not null,                        -- as it was called then
  job_version integer not null,
  definition_sha256 bytea not null,
  state text not null,
  inputs jsonb not null default '{}',
  reason text not null default '',
  trigger_kind text not null,                    -- manual, schedule, ...
  requested_by uuid,
  requested_by_name text not null default '',
  idempotency_key text,
  check_mode boolean not null default false,     -- only tell what would change
  target_count integer not null,                 -- different targets; each has one assignment in every stage that takes it
  counts jsonb not null default '{}',            -- assignments by state, maintained with each outcome
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  cancel_requested_at timestamptz,
  cancel_requested_by text,
  cancel_reason text,
  retry_of uuid,                                 -- the execution whose bad targets this one repeats
  retry_of_number bigint,
  state_reason text,                             -- why it ended without its targets saying so: rejected, skipped, expired
  orchestrated boolean not null default false,   -- stages, batches or conditions: advance-flow.ts decides what comes next
  due_at timestamptz,                            -- when that has to look at it, at the latest; null: nothing to do
  paused_at timestamptz,
  paused_by text,
  concurrency_key text,
  concurrency_limit integer,
  on_conflict text,                              -- queue, skip, cancel-running
  concurrency_held boolean not null default false, -- it counts among those that run with this key
  priority smallint not null default 0,          -- 1 high, 0 normal, -1 low: what waits is taken in this order
  deadline_ms bigint,                            -- longest time of all of it, from when it may begin
  deadline_at timestamptz,                       -- when that is over; set when it may begin
  timed_out_at timestamptz,                      -- when it was: nothing more of it begins, what runs is asked to stop
  primary key (id)
) partition by range (id);
create index executions_number on automation.executions (number);
create index executions_job on automation.executions (job_id, id);
create index executions_state on automation.executions (state, id);
create index executions_job_state on automation.executions (job_id, state, id);
create index executions_unfinished on automation.executions (id) where finished_at is null;
create index executions_due on automation.executions (due_at) where due_at is not null;
create index executions_concurrency on automation.executions (concurrency_key, id) where concurrency_key is not null and finished_at is null;

-- Executions that share a key take their turns under the lock of its row.
create table automation.concurrency_keys (
  key text primary key
);

-- How much may run and begin at once, as an administrator has set it; every controller reads it when it hands out work.
-- With a limit of the fleet the row is locked for that, so that all controllers together keep it.
create table automation.limits (
  singleton boolean primary key default true check (singleton),
  agent_limit integer check (agent_limit between 1 and 10000),     -- assignments at once on one agent; null: the program's own
  fleet_limit integer check (fleet_limit between 1 and 1000000),   -- on all agents that are connected; null: none
  brake_job integer check (brake_job between 1 and 10000),         -- starts of one job within brake_seconds; null: no brake
  brake_user integer check (brake_user between 1 and 10000),       -- of one user
  brake_seconds integer not null default 60 check (brake_seconds between 1 and 3600),
  brake_unfinished integer default 1000 check (brake_unfinished between 1 and 1000000), -- executions of one job that are not over; null: no brake
  revision bigint not null default 1
);
insert into automation.limits default values;

-- What an execution waits for before anything of it may begin: people who agree to exactly its content.
create table automation.approvals (
  execution_id uuid primary key,
  rule jsonb not null,                           -- {by, required, notRequester}
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  outcome text check (outcome in ('approved', 'rejected', 'expired', 'cancelled')),
  content_sha256 bytea,                          -- what the outcome is about, as it was then: stages, inputs and targets
  content jsonb,                                 -- change with what the execution and the inventory do afterwards
  check ((outcome is null) = (content_sha256 is null) and (outcome is null) = (content is null))
);
create index approvals_open on automation.approvals (execution_id) where outcome is null;

-- One for each person and content: whoever approves twice counts once, and what was approved is said by its hash.
create table automation.approval_decisions (
  execution_id uuid not null references automation.approvals,
  user_id uuid not null,
  user_name text not null,
  content_sha256 bytea not null,
  decision text not null check (decision in ('approve', 'reject')),
  comment text not null default '',
  at timestamptz not null,
  primary key (execution_id, user_id, content_sha256)
);

create table automation.execution_keys (         -- Idempotency-Key of POST execute; kept for a day
  key text not null,
  actor text not null,
  request_sha256 bytea not null,
  execution_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (actor, key)
);

create table automation.stages (
  execution_id uuid not null,
  stage_id text not null,
  position integer not null,
  state text not null,
  needs text[] not null default '{}',
  steps jsonb not null default '[]',             -- [{id, name, kind}] in order: what the agent will plan
  counts jsonb not null default '{}',            -- assignments by state, as in executions
  timeout_ms bigint,                             -- longest time of all steps on one target
  started_at timestamptz,
  finished_at timestamptz,
  -- Of workflows and rollouts, null or default for a job with steps only:
  name text,
  parent text,                                   -- stage that stands for the called workflow or the matrix this is a part of
  scope text not null default '',                -- what the ids that its expressions know begin with
  is_group boolean not null default false,       -- has parts and no assignments of its own
  condition text,                                -- CEL; null: when what it needs went well
  names jsonb,                                   -- what its expressions may name
  call jsonb,                                    -- {inputs, specs}: what another job is given, evaluated when it begins
  inputs jsonb,                                  -- of its job, when they are not the execution's
  matrix jsonb,                                  -- the items that it is repeated for
  needs_outputs jsonb,                           -- what its steps may read of stages before, frozen when it begins
  outcome jsonb,                                 -- {state, outputs, targets}: what later stages read of it
  state_reason text,
  done_in jsonb,                                 -- {id, number} of the execution that did it, when a retry takes it over
  job_id uuid,                                   -- whose definition its agents are given; null: the execution's own
  job_version integer,
  definition_sha256 bytea,
  plan_stage_id text,                            -- the stage's id in that definition; null: stage_id
  rollout jsonb,                                 -- {pauseMs, stepFirst, lastStep}
  batches integer not null default 1,
  batch integer not null default -1,             -- the latest that was released; -1: not begun
  next_batch_at timestamptz,                     -- the pause between two batches is over then
  barrier integer,                               -- step-first: index of the last step that may start
  max_failures integer not null default 0,
  stopped boolean not null default false,        -- the failure budget is spent: nothing more of it starts
  start_within_ms bigint,                        -- how long work waits for an agent, from its release
  deadline_ms bigint,                            -- longest time of all of it, from its beginning
  deadline_at timestamptz,
  timed_out_at timestamptz,
  primary key (execution_id, stage_id)
) partition by range (execution_id);

create table automation.assignments (
  id uuid not null,                              -- UUIDv7 of the execution's moment: same partition month
  execution_id uuid not null,
  stage_id text not null,
  target_id uuid not null,
  target_name text not null,
  agent_id uuid,
  attempt integer not null default 0,            -- 0: never offered
  fence bigint,                                  -- generation << 40 | sequence; new per attempt
  state text not null,
  state_reason text,
  batch integer not null default 0,              -- of its stage's rollout
  released boolean not null default true,        -- its batch has begun: it may be offered
  priority smallint not null default 0,          -- of its execution
  desired text not null default 'run',           -- run, hold, cancel, forget
  desired_reason text,                           -- sent with cancel, for people on the host
  release_through_step bigint not null default 4294967295,
  last_seq bigint not null default 0,            -- newest event stored of this attempt
  begun boolean not null default false,          -- something was recorded: there may be steps, tries and output
  finish jsonb,                                  -- the agent's final event, until all output it names is here
  created_at timestamptz not null,
  start_before timestamptz,
  timeout_at timestamptz,                        -- the agent stops at the job's timeout; this is when we ask it to
  timed_out_at timestamptz,                      -- when we did: a cancelled outcome is then timed_out
  offered_at timestamptz,
  offered_epoch bigint,                          -- of the agent's session then
  accepted_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (id)
) partition by range (id);
-- No index by execution: ids of an execution's assignments share its millisecond, so the primary key finds them.
create index assignments_agent on automation.assignments (agent_id) where finished_at is null;
create index assignments_queued on automation.assignments (agent_id, priority desc, id) where state = 'queued' and released;
create index assignments_held on automation.assignments (agent_id) where state in ('offered', 'accepted', 'running');
create index assignments_start_before on automation.assignments (start_before) where state = 'queued';
create index assignments_timeout on automation.assignments (timeout_at) where finished_at is null and timed_out_at is null;
create index assignments_desired on automation.assignments (agent_id)
  where finished_at is null and (desired <> 'run' or release_through_step < 4294967295);
create index assignments_target on automation.assignments (target_id, execution_id desc);

-- A step without a row is pending: the row comes with its first event, which for a fast step is also its last.
create table automation.steps (
  assignment_id uuid not null,
  step_id text not null,
  attempt integer not null,
  position integer not null,
  state text not null,
  reason text not null default '',
  tries integer not null default 0,
  outputs jsonb,
  changed boolean,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (assignment_id, step_id)
) partition by range (assignment_id);

create table automation.tries (
  assignment_id uuid not null,
  attempt integer not null,
  step_id text not null,
  try integer not null,
  spawn integer not null default 1,
  state text not null,
  reason text not null default '',
  pid integer,
  boot_id text,
  exit_code integer,
  signal text,
  started_at timestamptz,
  finished_at timestamptz,
  duration_ms bigint,
  stored_bytes bigint not null default 0,        -- contiguous output committed so far
  stored_lines bigint not null default 0,        -- newlines in it
  output_bytes bigint,                           -- total the agent named at the end
  output_sha256 bytea,
  output_verified boolean,                       -- all of it is stored: whether its sha256 is the agent's
  raw_bytes bigint,
  gaps jsonb not null default '[]',
  primary key (assignment_id, attempt, step_id, try)
) partition by range (assignment_id);

create table automation.output (
  assignment_id uuid not null,
  attempt integer not null,
  step_id text not null,
  try integer not null,
  byte_offset bigint not null,
  first_line bigint not null,                    -- newlines before this chunk
  byte_length integer not null,                  -- of the output; data is shorter when it is compressed
  encoding smallint not null default 0,          -- of data: 0 as it is, 1 zstd
  data bytea not null,
  received_at timestamptz not null default now(),
  primary key (assignment_id, attempt, step_id, try, byte_offset)
) partition by range (assignment_id);
-- Not compressed again: pglz halves the speed of inserts, and we store zstd where it helps.
alter table automation.output alter column data set storage external;
create index output_lines on automation.output (assignment_id, attempt, step_id, try, first_line);

-- What happened to an execution besides its states: interruptions, adoptions, gaps, acts of people. Append-only, and
-- written in the transaction of what it tells. Nothing is written for a run that goes as it should.
create table automation.execution_events (
  execution_id uuid not null,
  id uuid not null default uuidv7(),             -- also the order
  at timestamptz not null,
  kind text not null,
  assignment_id uuid,
  target_name text,
  detail jsonb not null default '{}',
  primary key (execution_id, id)
) partition by range (execution_id);

-- One use, a minute: a browser's download carries it in the address instead of the access token.
create table automation.download_tickets (
  sha256 bytea primary key,
  assignment_id uuid not null,
  attempt integer not null,
  step_id text not null,
  try integer not null,
  file_name text not null,
  raw boolean not null default false,            -- without a line where a cap left output out
  issued_to jsonb not null,                      -- the actor, for the audit of the download
  expires_at timestamptz not null
);

-- ---- communication -----------------------------------------------------------------------------------------

create table communication.audit (
  id uuid primary key,
  at timestamptz not null,
  actor_kind text not null,                      -- user, agent, system, anonymous
  actor_id text,
  actor_name text not null default '',
  session_id uuid,
  request_id text,
  address text,
  action text not null,                          -- job.created, execution.cancelled ...
  object_kind text,
  object_id text,
  object_name text,
  outcome text not null default 'ok',            -- ok, refused
  before jsonb,
  after jsonb,
  detail jsonb not null default '{}'
);
create index audit_object on communication.audit (object_kind, object_id, id desc);
create index audit_action on communication.audit (action, id desc);
create index audit_actor on communication.audit (actor_id, id desc);

-- What proves that nothing was changed afterwards. Chaining inside each transaction would make every change wait for
-- every other, so one appender chains what was committed, in batches (communication/chain-audit.ts).
create table communication.audit_chain (
  position bigint primary key,                   -- 1, 2, 3 ... without a hole
  audit_id uuid not null unique,
  hash bytea not null                            -- sha256 over the hash before it and every field of the row
);

-- Rows that wait for the appender: put here by the insert itself, whoever inserts.
create table communication.audit_unchained (
  audit_id uuid primary key
);
create function communication.await_chaining() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  insert into communication.audit_unchained (audit_id) values (new.id);
  return null;
end
$$;
create trigger await_chaining after insert on communication.audit
  for each row execute function communication.await_chaining();

-- Signed statements of how far the chain had come: who rewrites the chain from some row on contradicts the next one.
create table communication.audit_checkpoints (
  position bigint primary key,
  hash bytea not null,
  at timestamptz not null,
  key_id uuid not null,
  signature bytea not null                       -- Ed25519 over the text of communication/checkpoints.ts
);

-- What is left of the rows that retention removed: the chain goes on from here. Signed with another text than
-- checkpoints, so that a checkpoint cannot stand in for it.
create table communication.audit_anchors (
  position bigint primary key,
  hash bytea not null,
  at timestamptz not null,
  key_id uuid not null,
  signature bytea not null
);

-- The only way in which the application's role can remove rows: the oldest, older than 30 days, with an anchor in place.
create function communication.prune_audit(
  through bigint, anchor_hash bytea, anchor_at timestamptz, anchor_key uuid, anchor_signature bytea
) returns bigint language plpgsql security definer set search_path = pg_catalog as $$
declare
  removed bigint;
begin
  perform pg_advisory_xact_lock(hashtext('communication.audit_chain'));
  if not exists (select from communication.audit_chain c where c.position = through and c.hash = anchor_hash) then
    raise exception 'the chain has no position % with this hash', through;
  end if;
  if exists (
    select from communication.audit_chain c join communication.audit a on a.id = c.audit_id
    where c.position <= through and a.at > now() - interval '30 days'
  ) then
    raise exception 'rows of the last 30 days are kept';
  end if;
  insert into communication.audit_anchors (position, hash, at, key_id, signature)
  values (through, anchor_hash, anchor_at, anchor_key, anchor_signature);
  delete from communication.audit a using communication.audit_chain c where c.position <= through and a.id = c.audit_id;
  delete from communication.audit_chain c where c.position <= through;
  get diagnostics removed = row_count;
  delete from communication.audit_checkpoints c where c.position <= through;
  return removed;
end
$$;
revoke execute on function communication.prune_audit from public;

-- What agents know of the chain that contradicts it: told by them, or found when they say what they keep.
create table communication.audit_forks (
  id uuid primary key,
  agent_id uuid not null references fleet.agents,
  kind text not null,                            -- other_hash, backwards, other_key, chain_differs
  position bigint not null,                      -- of what the agent keeps
  kept_hash bytea not null,
  told_position bigint not null,                 -- of what it was told, or what the chain has
  told_hash bytea,                               -- null: the chain has no such position
  proven boolean not null,                       -- both are signed with the key of this cluster
  noticed_at timestamptz not null,
  reported_at timestamptz not null,
  settled_at timestamptz,
  settled_by text,
  settled_reason text
);
create unique index audit_forks_once on communication.audit_forks (agent_id, kind, position, kept_hash, told_position);

-- ---- identity: rights over a part of what is above ----------------------------------------------------------

-- A role within a scope; roles over everything are in user_roles. Of the four scopes each row names one.
create table identity.grants (
  id uuid primary key,
  user_id uuid not null references identity.users,
  role_id uuid not null references identity.roles,
  scope text not null check (scope in ('everything', 'group', 'selector', 'job')),
  group_id uuid references assets.groups,
  selector text,
  job_id uuid references automation.jobs,
  own_executions boolean not null default false, -- of executions only those that the user asked for
  -- Jobs may be run only with these inputs.
  locked_inputs jsonb not null default '{}' check (jsonb_typeof(locked_inputs) = 'object'),
  created_at timestamptz not null,
  created_by uuid,
  check ((scope = 'group') = (group_id is not null)),
  check ((scope = 'selector') = (selector is not null)),
  check ((scope = 'job') = (job_id is not null))
);
create unique index grants_once on identity.grants (user_id, role_id, scope, group_id, md5(selector), job_id,
  own_executions, md5(locked_inputs::text)) nulls not distinct;
create index grants_role on identity.grants (role_id);
create index grants_group on identity.grants (group_id);

-- Tells every controller, when the change commits, whose session, token or rights ended or changed: '' is everybody.
create function identity.tell_rights() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  perform pg_notify('identity_rights',
    coalesce(case tg_op when 'DELETE' then to_jsonb(old) else to_jsonb(new) end ->> tg_argv[0], ''));
  return null;
end
$$;
create trigger tell_rights after update of revoked_at on identity.sessions
  for each row when (new.revoked_at is distinct from old.revoked_at) execute function identity.tell_rights('user_id');
create trigger tell_rights after update of revoked_at on identity.api_tokens
  for each row when (new.revoked_at is distinct from old.revoked_at) execute function identity.tell_rights('user_id');
create trigger tell_rights after update of active on identity.users
  for each row when (new.active is distinct from old.active) execute function identity.tell_rights('id');
create trigger tell_rights after update of permissions, mfa_required on identity.roles
  for each row execute function identity.tell_rights('user_id');
create trigger tell_rights after insert or delete on identity.user_roles
  for each row execute function identity.tell_rights('user_id');
create trigger tell_rights after insert or update or delete on identity.grants
  for each row execute function identity.tell_rights('user_id');

-- ---- partitions of history ---------------------------------------------------------------------------------

-- The lowest UUIDv7 of an instant: 48 bits of Unix milliseconds (RFC 9562), the rest zero.
create function automation.uuid7_floor(at timestamptz) returns uuid language sql immutable strict
set search_path = pg_catalog as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- Makes the monthly partitions that hold ids of [from_month, from_month + months). Safe to repeat and to race.
create function automation.ensure_partitions(from_month date, months integer) returns integer
language plpgsql security definer set search_path = pg_catalog as $$
declare
  parent text;
  month date;
  made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('automation.ensure_partitions'));
  for i in 0 .. months - 1 loop
    month := (date_trunc('month', from_month) + make_interval(months => i))::date;
    foreach parent in array array['executions', 'stages', 'assignments', 'steps', 'tries', 'output', 'execution_events'] loop
      if to_regclass(format('automation.%I', parent || '_' || to_char(month, 'YYYYMM'))) is null then
        execute format('create table automation.%I partition of automation.%I for values from (%L) to (%L)',
          parent || '_' || to_char(month, 'YYYYMM'), parent,
          automation.uuid7_floor(month::timestamp at time zone 'UTC'),
          automation.uuid7_floor((month + interval '1 month') at time zone 'UTC'));
        made := made + 1;
      end if;
    end loop;
  end loop;
  return made;
end $$;
