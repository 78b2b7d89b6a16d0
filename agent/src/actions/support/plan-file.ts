// How actions change a file: look at what is there, tell the difference, write beside it and put it in its place in one
// step. Shared by every action that writes files.
import { createHash, randomBytes } from "node:crypto";
import { type BigIntStats, constants, createReadStream, createWriteStream } from "node:fs";
import { chmod, chown, copyFile, lstat, open, readFile, readlink, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type ActionContext, type ActionEnd, ActionFailed, type ActionPlan } from "../action.ts";
import { groupId, userId } from "./account.ts";

export interface FileWish {
  path: string;
  /** What shall be in it: bytes, or the file whose content it is. Undefined: only that it is there. */
  content: Buffer | { file: string } | undefined;
  mode?: string | undefined;
  owner?: string | undefined;
  group?: string | undefined;
  backup: boolean;
  /** Show what changes in the output. */
  showDiff?: boolean;
}

interface Found {
  /** Where the file really is: symbolic links are followed. */
  path: string;
  stats: BigIntStats | undefined;
}

interface Rights {
  mode: number;
  uid: number;
  gid: number;
}

interface WantedRights extends Rights {
  /** Changes whose number nobody knows yet: a step before has to make the user or the group. */
  waiting: string[];
}

const largestDiff = 256 * 1024;
const maxLinks = 40;

export async function planFile(wish: FileWish, context: ActionContext): Promise<ActionPlan> {
  const found = await findFile(wish.path);
  const waits = await checkParent(found.path, context);
  const rights = await wantedRights(context, wish, found.stats);
  const written = wish.content !== undefined || found.stats === undefined;
  const content = wish.content ?? Buffer.alloc(0);
  const sha256 = written ? await hashOf(content) : await hashFile(found.path);
  const differs = written && (found.stats === undefined || (await hashFile(found.path)) !== sha256);
  const changes = [
    ...(differs
      ? [found.stats === undefined ? `create ${wish.path}${waits}` : `change the content of ${wish.path}`]
      : []),
    ...rightsChanges(wish.path, found.stats, rights),
  ];
  const diff = differs && wish.showDiff !== false ? await diffOf(wish.path, found, content) : undefined;
  return {
    changes,
    ...(diff === undefined ? {} : { diff }),
    outputs: { sha256 },
    message: `${wish.path} is as it should be`,
    apply: async () => {
      const kept = differs && wish.backup && found.stats ? await keepOld(found.path, context) : undefined;
      if (differs) await replaceFile(found, content, rights);
      else await applyRights(found.path, rights, found.stats!);
      return keptAs(kept);
    },
  };
}

/** Removes what is a file or a link to one; the link goes, not what it names. */
export async function planFileAbsent(path: string, keep: boolean, context: ActionContext): Promise<ActionPlan> {
  const stats = await lstatOrNone(path);
  if (stats === undefined) return { changes: [], message: `${path} is not there` };
  if (stats.isDirectory()) throw new ActionFailed(`${path} is a directory: remove it with the action directory`);
  return {
    changes: [`remove ${path}`],
    apply: async () => {
      const kept = keep && stats.isFile() ? await keepOld(path, context) : undefined;
      await rm(path, { force: true });
      return keptAs(kept);
    },
  };
}

export async function findFile(path: string): Promise<Found> {
  let at = path;
  for (let links = 0; links < maxLinks; links++) {
    const stats = await lstatOrNone(at);
    if (stats === undefined || !stats.isSymbolicLink()) {
      if (stats !== undefined && !stats.isFile())
        throw new ActionFailed(
          `${path} is ${stats.isDirectory() ? "a directory" : "no regular file"}: it is left alone`,
        );
      return { path: at, stats };
    }
    const target = await readlink(at);
    at = isAbsolute(target) ? target : join(dirname(at), target);
  }
  throw new ActionFailed(`${path} is a symbolic link that leads to itself`);
}

/** Undefined when there is no file. */
export async function readExisting(path: string): Promise<Buffer | undefined> {
  const found = await findFile(path);
  return found.stats === undefined ? undefined : readFile(found.path);
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

export async function lstatOrNone(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") throw new ActionFailed(`a part of ${path} is a file and not a directory`, { cause: error });
    throw error;
  }
}

/** What a wish for mode and owner means, and in words what differs from it. */
export async function wantedRights(
  context: ActionContext,
  wish: Pick<FileWish, "path" | "mode" | "owner" | "group">,
  stats: BigIntStats | undefined,
  fallback = 0o644,
): Promise<WantedRights> {
  const now = stats && { mode: Number(stats.mode) & 0o7777, uid: Number(stats.uid), gid: Number(stats.gid) };
  const owner = await userId(context, wish.owner);
  const group = await groupId(context, wish.group);
  return {
    mode: wish.mode === undefined ? (now?.mode ?? fallback) : Number.parseInt(wish.mode, 8),
    uid: owner?.id ?? now?.uid ?? process.getuid?.() ?? 0,
    gid: group?.id ?? now?.gid ?? process.getgid?.() ?? 0,
    waiting: [
      ...(owner?.waits ? [`give ${wish.path} to the user ${wish.owner}${owner.waits}`] : []),
      ...(group?.waits ? [`give ${wish.path} to the group ${wish.group}${group.waits}`] : []),
    ],
  };
}

export function rightsChanges(path: string, stats: BigIntStats | undefined, wanted: WantedRights): string[] {
  if (stats === undefined) return wanted.waiting;
  const mode = Number(stats.mode) & 0o7777;
  const octal = (value: number) => value.toString(8).padStart(4, "0");
  return [
    ...(mode === wanted.mode ? [] : [`change the mode of ${path} from ${octal(mode)} to ${octal(wanted.mode)}`]),
    ...(Number(stats.uid) === wanted.uid ? [] : [`change the owner of ${path} from ${stats.uid} to ${wanted.uid}`]),
    ...(Number(stats.gid) === wanted.gid ? [] : [`change the group of ${path} from ${stats.gid} to ${wanted.gid}`]),
    ...wanted.waiting,
  ];
}

export async function applyRights(path: string, { mode, uid, gid }: Rights, stats?: BigIntStats): Promise<void> {
  // chown takes the set-user bit away, so the mode comes last.
  if (stats === undefined || Number(stats.uid) !== uid || Number(stats.gid) !== gid) await chown(path, uid, gid);
  await chmod(path, mode);
}

/** In a check a step before may be what makes the directory, and has only told so: what is to be said about that. */
export async function checkParent(path: string, { check }: ActionContext): Promise<string> {
  const parent = dirname(path);
  const stats = await stat(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (stats === undefined && check) return `, when a step before has made its directory ${parent}`;
  if (stats === undefined)
    throw new ActionFailed(`the directory ${parent} does not exist: make it with the action directory before`);
  if (!stats.isDirectory()) throw new ActionFailed(`${parent} is not a directory`);
  return "";
}

async function hashOf(content: Buffer | { file: string }): Promise<string> {
  return Buffer.isBuffer(content) ? createHash("sha256").update(content).digest("hex") : hashFile(content.file);
}

function keptAs(backup: string | undefined): ActionEnd | undefined {
  return backup === undefined ? undefined : { outputs: { backup } };
}

async function keepOld(path: string, { log }: ActionContext): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  for (let n = 0; ; n++) {
    const kept = `${path}.${time}${n === 0 ? "" : `-${n}`}.bak`;
    try {
      await copyFile(path, kept, constants.COPYFILE_EXCL);
      const { mode, uid, gid } = await stat(path);
      await applyRights(kept, { mode: mode & 0o7777, uid, gid });
      log(`kept the old one as ${kept}`);
      return kept;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Nobody sees half of it: a reader has the old file or the new one, also after a power failure. */
async function replaceFile(found: Found, content: Buffer | { file: string }, rights: Rights): Promise<void> {
  const folder = dirname(found.path);
  const beside = join(folder, `.${basename(found.path).slice(0, 200)}.${randomBytes(6).toString("hex")}.new`);
  try {
    await writeBeside(beside, content);
    await applyRights(beside, rights);
    await checkUnchanged(found);
    await putInPlace(beside, found.path, rights);
  } finally {
    await rm(beside, { force: true });
  }
  await syncFolder(folder);
}

async function writeBeside(path: string, content: Buffer | { file: string }): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    if (Buffer.isBuffer(content)) await file.writeFile(content);
    else await pipeline(createReadStream(content.file), createWriteStream(path, { fd: file.fd, autoClose: false }));
    await file.sync();
  } finally {
    await file.close();
  }
}

// Somebody else may have written it since we looked: their change must not be lost unseen.
async function checkUnchanged({ path, stats }: Found): Promise<void> {
  const now = await lstatOrNone(path);
  const same = now?.ino === stats?.ino && now?.mtimeNs === stats?.mtimeNs && now?.size === stats?.size;
  if (!same) throw new ActionFailed(`${path} was changed by somebody else meanwhile: nothing was written, try again`);
}

async function putInPlace(beside: string, path: string, rights: Rights): Promise<void> {
  try {
    await rename(beside, path);
  } catch (error) {
    // A file that is mounted by itself (/etc/hosts in a container) can only be written where it is.
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    await copyFile(beside, path);
    await applyRights(path, rights);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Undefined for what is not text, or too much to read. */
async function diffOf(path: string, found: Found, content: Buffer | { file: string }): Promise<string | undefined> {
  const after = Buffer.isBuffer(content) ? content : await readSmall(content.file);
  const before = found.stats === undefined ? Buffer.alloc(0) : await readSmall(found.path);
  if (before === undefined || after === undefined || [before, after].some(isNoText)) return undefined;
  const { createTwoFilesPatch } = await import("diff");
  const from = found.stats === undefined ? "/dev/null" : path;
  const patch = createTwoFilesPatch(from, path, String(before), String(after), undefined, undefined, { timeout: 2000 });
  return patch?.slice(patch.indexOf("--- ")).trimEnd();
}

async function readSmall(path: string): Promise<Buffer | undefined> {
  return (await stat(path)).size > largestDiff ? undefined : readFile(path);
}

const isNoText = (bytes: Buffer) => bytes.length > largestDiff || bytes.includes(0);
