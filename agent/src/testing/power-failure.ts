// Rebuilds what a disk may hold when the power fails: everything that was synced, and of the rest any part, as file
// systems are allowed to (in the manner of ALICE, OSDI 2014). Tests open the result and look what is there.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { DiskOperation } from "./trace-files.ts";

/** Asked for each write, and each change of a folder, that no sync covers; true keeps it. */
export type Survives = () => boolean;

/** Disks write sectors whole: an unsynced write may be there in part. */
const sectorBytes = 512;

type FileChange = DiskOperation & { kind: "write" | "truncate" };
type FolderChange = DiskOperation & { kind: "link" | "unlink" | "rename" };

/** After a kill everything that was done is there: the system still runs. */
export const killed: Survives = () => true;

/** Of `operations` below `root`, as they may be found after the power failed behind the last one, written to `target`. */
export function rebuildDisk(
  operations: readonly DiskOperation[],
  root: string,
  target: string,
  survives: Survives,
): void {
  const contents = contentsOf(operations, survives);
  const names = namesOf(operations, survives);
  for (const [path, file] of names) {
    // A folder that is not there takes everything in it along.
    if (!parentsOf(path, root).every((parent) => names.has(parent))) continue;
    const place = join(target, relative(root, path));
    if (file === undefined) mkdirSync(place, { recursive: true, mode: 0o700 });
    else writeFileSync(place, contents.get(file) ?? Buffer.alloc(0), { mode: 0o600 });
  }
}

function contentsOf(operations: readonly DiskOperation[], survives: Survives): Map<number, Buffer> {
  const synced = new Map<number, number>();
  for (const [at, op] of operations.entries()) if (op.kind === "sync") synced.set(op.file, at);
  const contents = new Map<number, Buffer>();
  for (const [at, op] of operations.entries()) {
    if (op.kind !== "write" && op.kind !== "truncate") continue;
    const before = contents.get(op.file) ?? Buffer.alloc(0);
    contents.set(op.file, changed(before, op, at < (synced.get(op.file) ?? -1) ? killed : survives));
  }
  return contents;
}

function changed(before: Buffer, change: FileChange, survives: Survives): Buffer {
  if (change.kind === "truncate") {
    if (!survives()) return before;
    const after = Buffer.alloc(change.size);
    before.copy(after);
    return after;
  }
  let after = before;
  for (let from = 0; from < change.data.length; ) {
    const to = Math.min(change.data.length, from + sectorBytes - ((change.offset + from) % sectorBytes));
    if (survives()) after = overwritten(after, change.data.subarray(from, to), change.offset + from);
    from = to;
  }
  return after;
}

function overwritten(before: Buffer, data: Buffer, offset: number): Buffer {
  const after = Buffer.alloc(Math.max(before.length, offset + data.length));
  before.copy(after);
  data.copy(after, offset);
  return after;
}

/** Which names there are, and of which file: a folder's changes last only with a sync of that folder. */
function namesOf(operations: readonly DiskOperation[], survives: Survives): Map<string, number | undefined> {
  const synced = new Map<string, number>();
  for (const [at, op] of operations.entries()) if (op.kind === "syncFolder") synced.set(op.path, at);
  const names = new Map<string, number | undefined>();
  for (const [at, op] of operations.entries()) {
    if (op.kind !== "link" && op.kind !== "unlink" && op.kind !== "rename") continue;
    if (at < (synced.get(folderOf(op)) ?? -1) || survives()) rename(names, op);
  }
  return names;
}

function folderOf(op: FolderChange): string {
  return dirname(op.kind === "rename" ? op.to : op.path);
}

function rename(names: Map<string, number | undefined>, op: FolderChange): void {
  if (op.kind === "link") names.set(op.path, op.file);
  else if (op.kind === "unlink") names.delete(op.path);
  else if (names.has(op.from)) {
    names.set(op.to, names.get(op.from));
    names.delete(op.from);
  }
}

function parentsOf(path: string, root: string): string[] {
  const parents: string[] = [];
  for (let folder = dirname(path); folder.startsWith(`${root}/`); folder = dirname(folder)) parents.push(folder);
  return parents;
}
