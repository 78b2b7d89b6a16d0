// Where a step of another user has its files: outside of the agent's own folder, which is closed to everybody else.
//
//   ‹userFolder›/‹fence›/                 of the agent, and others may pass
//   ‹userFolder›/‹fence›/work.‹uid›/      the working folder: of the user, closed to others
//   ‹userFolder›/‹fence›/‹try›/           of the agent: the user cannot put a link in the place of a file
//   ‹userFolder›/‹fence›/‹try›/outputs    the user's file behind $OC_OUTPUT; so is the script beside it
//   ‹userFolder›/‹fence›/‹try›/action/    of the user: what an action is asked, and its result
//
// What is in there was made by the user: it is read without following links, and removed by rm, which does not follow
// them either when somebody exchanges folders meanwhile.
import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { requestFile } from "../actions/action-files.ts";
import type { Account } from "../process/account.ts";
import type { StepCommand } from "./step-command.ts";
import { outputsFile, type TryPlace } from "./try-place.ts";

/** The folders of one try, the agent's own or those of another user. */
export interface TryRoom {
  workingFolder: string;
  /** The script of the step is here. */
  folder: string;
  outputs: string;
  /** What an action is asked, and where it leaves its result. */
  actionFolder: string;
}

/** Of a try that was started. */
export function roomOf(userFolder: string, place: TryPlace): TryRoom {
  const room = userRoom(userFolder, place, undefined);
  return existsSync(room.folder) ? room : ownRoom(place);
}

export function ownRoom({ attempt, folder }: TryPlace): TryRoom {
  return { workingFolder: attempt.workingFolder, folder, outputs: join(folder, outputsFile), actionFolder: folder };
}

export function userRoom(userFolder: string, place: TryPlace, account: Account | undefined): TryRoom {
  const attemptFolder = join(userFolder, String(place.attempt.fence));
  const folder = join(attemptFolder, basename(place.folder));
  return {
    workingFolder: join(attemptFolder, `work.${account?.uid ?? ""}`),
    ...{ folder, outputs: join(folder, outputsFile), actionFolder: join(folder, "action") },
  };
}

/** Throws when the folders cannot be made, or the user could not reach them. */
export function makeUserRoom(userFolder: string, place: TryPlace, account: Account, command: StepCommand): TryRoom {
  const room = userRoom(userFolder, place, account);
  for (const folder of [userFolder, dirname(room.folder), room.folder]) makePassable(folder);
  refuseClosedParents(userFolder);
  makeForUser(room.workingFolder, account);
  writeForUser(room.outputs, "", account);
  if (command.scriptName === requestFile) makeForUser(room.actionFolder, account);
  if (command.script !== undefined)
    writeForUser(join(scriptFolder(room, command), command.scriptName), command.script, account);
  return room;
}

function scriptFolder(room: TryRoom, { scriptName }: StepCommand): string {
  return scriptName === requestFile ? room.actionFolder : room.folder;
}

/** At most `maxBytes` + 1 of a plain file that the step wrote; undefined when there is none. */
export function readPlain(path: string, maxBytes: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.nlink > 1) throw new Error(`${basename(path)} is not a plain file of the step`);
    const bytes = Buffer.alloc(Math.min(stat.size, maxBytes + 1));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

/** Of one try, or of all tries of an attempt; in the background. */
export function removeRoom(folder: string): void {
  if (!existsSync(folder)) return;
  execFile("rm", ["-rf", "--one-file-system", "--", folder], () => {}).unref(); // what stays goes at the next start
}

/** Called at start: `isOpen` tells the fences that go on. */
export function removeOldRooms(userFolder: string, isOpen: (fence: bigint) => boolean): void {
  if (!existsSync(userFolder)) return;
  for (const name of readdirSync(userFolder))
    if (!/^\d+$/.test(name) || !isOpen(BigInt(name))) removeRoom(join(userFolder, name));
}

// The modes are set once more because of the umask of the agent's service.
function makePassable(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);
}

function makeForUser(folder: string, { uid, gid }: Account): void {
  if (existsSync(folder)) return; // of an earlier step of this user
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, uid, gid);
}

function writeForUser(path: string, content: string, { uid, gid }: Account): void {
  writeFileSync(path, content, { mode: 0o600 });
  chownSync(path, uid, gid);
}

function refuseClosedParents(folder: string): void {
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    if ((statSync(parent).mode & 0o001) === 0)
      throw new Error(`other users cannot pass ${parent}: let the agent keep its state in another place (--state-dir)`);
    if (parent === "/") return;
  }
}
