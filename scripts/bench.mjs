// npm run bench -- <name>: one benchmark of bench/src, with the console built and the packages in place.
import { runBuilt } from "./run-built.mjs";

runBuilt("bench/src/main.ts", process.argv.slice(2));
