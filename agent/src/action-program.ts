// Where the program of the actions is: beside this file, as action.ts among the sources and as action.mjs in the
// package, whose bundle keeps both in one folder. Used by runner/action-command.ts.
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(import.meta.url);

export const actionProgram = fileURLToPath(new URL(`./action${extname(here)}`, import.meta.url));
