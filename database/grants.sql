-- What the application's role may do; run by the owner after every migration with the role's name in place of
-- :app. The application writes everything it owns but may only add to the audit log, and never changes tables.
grant usage on schema identity, assets, fleet, automation, communication to :app;
grant select, insert, update, delete on all tables in schema identity, assets, fleet, automation to :app;
grant usage, select on all sequences in schema identity, assets, fleet, automation to :app;
grant select, insert on communication.audit, communication.audit_chain, communication.audit_checkpoints to :app;
grant select on communication.audit_anchors to :app;
grant execute on function communication.prune_audit to :app;
-- A fork stays; only the word of a person on it may be added.
grant select, insert, update (settled_at, settled_by, settled_reason) on communication.audit_forks to :app;
grant select, delete on communication.audit_unchained to :app;
grant execute on all functions in schema automation to :app;
grant select on public.schema_migrations to :app;
