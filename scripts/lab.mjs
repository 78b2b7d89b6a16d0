// npm run lab -- …: the proofs of e2e/lab on real hosts, with the console built and the packages in place.
import { runBuilt } from "./run-built.mjs";

runBuilt("e2e/lab/main.ts", process.argv.slice(2));
