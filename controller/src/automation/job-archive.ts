// A ZIP archive with one file for each job, each with the exact bytes of its definition: what is exported, what git
// keeps, what is imported. Called by export-jobs.ts and read-import.ts. The library is loaded with the first archive.
import { OcError } from "@opsconductor/contract/errors";
import { maxTransferBytes, maxTransferJobs } from "@opsconductor/contract/job/transfer-limits";
import { maxDefinitionBytes } from "@opsconductor/contract/job/yaml-document";
import type { FileEntry } from "@zip.js/zip.js";

export interface ArchivedFile {
  name: string;
  bytes: Uint8Array;
}

/** More than a file of jobs has; each costs its place in memory. */
const maxEntries = 20_000;
const maxIgnored = 100;

async function library() {
  const zip = await import("@zip.js/zip.js");
  zip.configure({ useWebWorkers: false });
  return zip;
}

/** The same jobs make the same bytes: `at` of each file, and nothing of now, is in it. */
export async function packJobs(files: readonly (ArchivedFile & { at: Date })[]): Promise<Uint8Array<ArrayBuffer>> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await library();
  const writer = new ZipWriter(new Uint8ArrayWriter(), { extendedTimestamp: true });
  for (const { name, bytes, at } of files)
    await writer.add(name, new Uint8ArrayReader(bytes), { lastModDate: at, lastAccessDate: at, creationDate: at });
  return await writer.close();
}

/** Files of jobs in the order of the archive, and the names of the others. Every checksum is looked at. */
export async function unpackJobs(archive: Uint8Array): Promise<{ files: ArchivedFile[]; ignored: string[] }> {
  try {
    return await unpack(archive);
  } catch (cause) {
    if (cause instanceof OcError) throw cause;
    const why = (cause as Error).message;
    throw new OcError("invalid_argument", `The file cannot be read as a ZIP archive (${why}): make it again.`, {
      cause,
    });
  }
}

async function unpack(archive: Uint8Array): Promise<{ files: ArchivedFile[]; ignored: string[] }> {
  const { Uint8ArrayReader, ZipReader } = await library();
  const reader = new ZipReader(new Uint8ArrayReader(archive), { checkSignature: true });
  const wanted: FileEntry[] = [];
  const ignored: string[] = [];
  let entries = 0;
  for await (const entry of reader.getEntriesGenerator()) {
    if (++entries > maxEntries) throw tooMuch(`more than ${maxEntries} files`);
    if (entry.directory) continue;
    if (isJobFile(entry.filename)) wanted.push(entry);
    else if (ignored.length < maxIgnored) ignored.push(entry.filename);
    if (wanted.length > maxTransferJobs) throw tooMuch(`more than ${maxTransferJobs} jobs`);
  }
  const files: ArchivedFile[] = [];
  let left = maxTransferBytes;
  for (const entry of wanted) {
    const bytes = await readEntry(entry, left);
    left -= bytes.length;
    files.push({ name: entry.filename, bytes });
  }
  return { files, ignored };
}

/** Hidden files are of git, of editors, and of what macOS adds beside every file. */
function isJobFile(name: string): boolean {
  const hidden = name.split(/[\\/]/).some((part) => part.startsWith(".") || part === "__MACOSX");
  return !hidden && /\.(ya?ml|json)$/i.test(name);
}

/** What an archive says about a size may be a lie: it is counted while it is unpacked. */
async function readEntry(entry: FileEntry, left: number): Promise<Uint8Array> {
  const { filename: name, encrypted, uncompressedSize } = entry;
  if (encrypted) throw new OcError("invalid_argument", `${name} is encrypted: make the archive without a password.`);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const count = (more: number) => {
    bytes += more;
    if (bytes > maxDefinitionBytes)
      throw new OcError("invalid_argument", `${name} is larger than 1 MiB, which a job may have at most.`);
    if (bytes > left) throw tooMuch(`more than ${maxTransferBytes / 1024 / 1024} MiB when unpacked`);
  };
  count(uncompressedSize);
  bytes = 0;
  const refusal: { of?: unknown } = {};
  const target = new WritableStream<Uint8Array>({
    write(piece) {
      try {
        count(piece.length);
      } catch (error) {
        refusal.of = error; // the library would tell of its own error instead
        throw error;
      }
      pieces.push(piece);
    },
  });
  await entry.getData(target).catch((cause) => {
    if (refusal.of) throw refusal.of;
    throw new Error(`${name}: ${(cause as Error).message}`, { cause });
  });
  return Buffer.concat(pieces);
}

const tooMuch = (what: string) =>
  new OcError("payload_too_large", `The archive has ${what}: make several of it and import one after the other.`);
