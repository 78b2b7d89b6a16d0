// The files of an import, each with the job that it means or with what is wrong with it. Called by import-jobs.ts.
import { setImmediate } from "node:timers/promises";
import { type FieldError, OcError } from "@opsconductor/contract/errors";
import { unpackJobs } from "./job-archive.ts";
import { type DefinitionInput, type ReadDefinition, readJob } from "./read-definition.ts";

/** An archive, or one definition. */
export type ImportInput = { archive: Uint8Array } | DefinitionInput;

export interface ImportFile {
  /** Null when the definition was all that came. */
  file: string | null;
  read: ReadDefinition | undefined;
  errors: FieldError[];
}

export async function readImport(input: ImportInput): Promise<{ files: ImportFile[]; ignored: string[] }> {
  if (!("archive" in input)) return { files: [readFile(null, input)], ignored: [] };
  const { files: archived, ignored } = await unpackJobs(input.archive);
  if (archived.length === 0)
    throw new OcError(
      "invalid_argument",
      "There is no job in the archive: each is a file whose name ends with .yaml, .yml or .json.",
    );
  const files: ImportFile[] = [];
  for (const { name, bytes } of archived) {
    await setImmediate(); // reading a large one takes a second, and others wait
    files.push(readFile(name, { bytes, mediaType: mediaTypeOf(name, bytes) }));
  }
  return { files: withoutDoubles(files), ignored };
}

function readFile(file: string | null, input: DefinitionInput): ImportFile {
  const { read, errors } = readJob(input);
  return { file, read, errors };
}

/** What calls itself JSON and is YAML is YAML. */
function mediaTypeOf(name: string, bytes: Uint8Array): DefinitionInput["mediaType"] {
  if (!/\.json$/i.test(name)) return "text/yaml";
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return "application/json";
  } catch {
    return "text/yaml";
  }
}

function withoutDoubles(files: ImportFile[]): ImportFile[] {
  const byName = Map.groupBy(files, ({ read }) => read?.job.name.toLowerCase());
  return files.map((each) => {
    const others = each.read ? byName.get(each.read.job.name.toLowerCase())!.filter((other) => other !== each) : [];
    if (others.length === 0) return each;
    const message = `${others[0]!.file} is also a job called ${each.read!.job.name}; keep one of them, or give one another name`;
    return { ...each, errors: [{ path: "name", message }] };
  });
}
