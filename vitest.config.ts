// The test suites by the name of their files: units are pure, db and wire ones share one PostgreSQL of the run, stories
// run real processes, fault tests kill them, and browser tests a real Chromium before them. The console's own tests are configured in ui/.
import { defineConfig } from "vitest/config";

const inFolders = (suffix: string) => [`{contract,controller,agent,database,scripts,proto,e2e,bench}/**/*.${suffix}`];
const others = [
  "**/node_modules/**",
  ...["db", "wire", "story", "faults", "browser", "tools"].map((kind) => `**/*.${kind}.test.ts`),
];

/** How long `expect.poll` waits; by itself a second, which a busy machine takes for one commit. */
const patient = { poll: { timeout: 20_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: "unit", include: inFolders("test.ts"), exclude: others, testTimeout: 30_000, expect: patient },
      },
      {
        test: {
          name: "db",
          expect: patient,
          include: inFolders("db.test.ts"),
          globalSetup: "./database/src/testing/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          expect: patient,
          include: inFolders("story.test.ts"),
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "faults",
          expect: patient,
          include: inFolders("faults.test.ts"),
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false, // each has a whole stack of its own, and measures how fast it comes back
        },
      },
      {
        test: {
          name: "browser",
          expect: patient,
          include: inFolders("browser.test.ts"),
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "tools",
          include: inFolders("tools.test.ts"),
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false, // they share one room
        },
      },
      {
        test: {
          name: "wire",
          expect: patient,
          include: inFolders("wire.test.ts"),
          globalSetup: "./database/src/testing/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
