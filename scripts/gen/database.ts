// database/migrations → database/schema.sql and database/src/rows.ts. Called by main.ts.
import { readMigratedCatalogue } from "./catalogue.ts";
import { rowTypes } from "./row-types.ts";
import { schemaSql } from "./schema-sql.ts";

export async function generateDatabase(): Promise<Map<string, string>> {
  const catalogue = await readMigratedCatalogue();
  return new Map([
    ["database/schema.sql", schemaSql(catalogue)],
    ["database/src/rows.ts", rowTypes(catalogue)],
  ]);
}
