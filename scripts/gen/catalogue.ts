// Reads a migrated database's catalogue: what database/schema.sql and database/src/rows.ts are made from.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Sql } from "../../database/src/connect.ts";
import { appRole, startEmbeddedPostgres } from "../../database/src/embedded/embedded-postgres.ts";
import { migrate } from "../../database/src/migrate.ts";

export interface Column {
  name: string;
  type: string;
  notNull: boolean;
  default: string | null;
  identity: boolean;
  compression: string;
}
export interface Table {
  schema: string;
  name: string;
  columns: Column[];
  partitionKey: string | null;
}
export interface Definition {
  owner: string;
  definition: string;
  kind: string;
}
export interface Catalogue {
  schemas: string[];
  sequences: string[];
  functions: string[];
  tables: Table[];
  constraints: Definition[];
  indexes: string[];
  grants: string[];
}

/** The catalogue of a database migrated from empty, in a PostgreSQL that lives only for this call. */
export async function readMigratedCatalogue(): Promise<Catalogue> {
  const dataDir = mkdtempSync(join(tmpdir(), "opsconductor-gen-"));
  chmodSync(dataDir, 0o711); // mkdtemp closes it to the user that runs PostgreSQL
  const log = { info() {}, warn: console.warn, error: console.error };
  const settings = { fsync: "off", logging_collector: "off" };
  const server = await startEmbeddedPostgres({ dataDir, log, settings, throwaway: true });
  const sql = connect(server.owner, { max: 1 });
  try {
    await migrate(sql, appRole);
    return await readCatalogue(sql);
  } finally {
    await sql.end();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
}

/** Ours: not PostgreSQL's, and not the partitions, whose names depend on the day they were made. */
const ours = "n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'";

async function readCatalogue(sql: Sql): Promise<Catalogue> {
  const texts = async (query: string) => (await sql.unsafe(query)).map((row) => String(row.line));
  return {
    schemas: await texts(`select nspname as line from pg_namespace n where ${ours} and nspname <> 'public' order by 1`),
    sequences: await texts(`select format('%I.%I', n.nspname, c.relname) as line
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where ${ours} and c.relkind = 'S'
        and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')) order by 1`),
    functions: await texts(`select pg_get_functiondef(p.oid) as line
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ours} order by n.nspname, p.proname`),
    tables: await readTables(sql),
    constraints: await sql.unsafe<Definition[]>(`select format('%I.%I', n.nspname, c.relname) as owner,
        format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid)) as definition, k.contype as kind
      from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where ${ours} and not c.relispartition and k.contype <> 'n' order by 1, k.contype desc, k.conname`),
    indexes: await texts(`select pg_get_indexdef(i.indexrelid) as line
      from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
      where ${ours} and not c.relispartition
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype <> 'f') order by 1`),
    grants: await texts(`select format('grant %s on %I.%I to %s;',
        string_agg(lower(a.privilege_type), ', ' order by a.privilege_type), n.nspname, c.relname, '${appRole}') as line
      from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
      where ${ours} and not c.relispartition and a.grantee = '${appRole}'::regrole
      group by n.nspname, c.relname order by n.nspname, c.relname`),
  };
}

async function readTables(sql: Sql): Promise<Table[]> {
  const rows = await sql.unsafe<(Column & { schema: string; table: string; partitionKey: string | null })[]>(`
    select n.nspname as schema, c.relname as table, pg_get_partkeydef(c.oid) as partition_key, a.attname as name,
      format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as not_null, a.attidentity <> '' as identity,
      case a.attcompression when 'l' then 'lz4' when 'p' then 'pglz' else '' end as compression,
      pg_get_expr(d.adbin, d.adrelid) as default
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${ours} and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
    order by n.nspname, c.relname, a.attnum`);
  const tables: Table[] = [];
  for (const { schema, table, partitionKey, ...column } of rows) {
    const last = tables.at(-1);
    if (last?.schema === schema && last.name === table) last.columns.push(column);
    else tables.push({ schema, name: table, partitionKey, columns: [column] });
  }
  return tables;
}
