// npm run faults -- <name> …, npm run chaos -- …: one fault test of e2e/faults, with the packages in place.
import { runBuilt } from "./run-built.mjs";

runBuilt("e2e/faults/main.ts", process.argv.slice(2));
