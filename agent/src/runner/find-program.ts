// Finds a program the way the step's shell would, so that a missing one is a clear failure before anything starts.
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Undefined when nothing executable of that name is there. Names with a slash are looked up from the working folder. */
export function findProgram(name: string, path: string, workingFolder: string): string | undefined {
  if (name.includes("/")) return executable(isAbsolute(name) ? name : join(workingFolder, name));
  for (const folder of path.split(delimiter)) {
    const found = executable(join(isAbsolute(folder) ? folder : join(workingFolder, folder), name));
    if (found !== undefined) return found;
  }
  return undefined;
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}
