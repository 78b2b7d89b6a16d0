// The test suites by the name of their files: units are pure, db and wire ones share one PostgreSQL of the run.
import { defineConfig } from "vitest/config";

const inFolders = (suffix: string) => [`{contract,controller,agent,database,cli,scripts,proto}/**/*.${suffix}`];
const others = ["**/node_modules/**", "**/*.db.test.ts", "**/*.wire.test.ts"];

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: inFolders("test.ts"), exclude: others } },
      {
        test: {
          name: "db",
          include: inFolders("db.test.ts"),
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "wire",
          include: inFolders("wire.test.ts"),
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});
