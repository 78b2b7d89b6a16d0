// npm run canaries: secrets of every class are used once and looked for afterwards, in the database, logs, exports, files of a
// real controller and its memory; the last is printed class by class.
import { runBuilt } from "./run-built.mjs";

const tests = ["controller/src/http/canaries.db.test.ts", "e2e/auditor.story.test.ts"];
runBuilt("node_modules/vitest/vitest.mjs", ["run", "--project", "db", "--project", "e2e", ...tests]);
