// Runs a program under strace and reads back, in order, everything it did to files, with the data. The tests that rebuild
// what a disk may hold after a power failure call it (power-failure.ts).
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files are told apart by number, because a rename keeps the file and changes its name. */
export type DiskOperation =
  | { kind: "write"; file: number; offset: number; data: Buffer }
  | { kind: "truncate"; file: number; size: number }
  | { kind: "sync"; file: number }
  /** `file` is undefined for a folder. */
  | { kind: "link"; path: string; file: number | undefined }
  | { kind: "unlink"; path: string }
  | { kind: "rename"; from: string; to: string }
  | { kind: "syncFolder"; path: string }
  /** A line that the program printed. */
  | { kind: "said"; line: string };

/** Calls that change files, by the name under which strace counts and injects. */
export const changingCalls = [
  ...["openat", "mkdir", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "link"],
] as const;
const alsoFollowed = ["close", "writev", "fallocate", "renameat2", "unlinkat", "linkat", "rmdir"];

/** Undefined when strace is there and may trace; else why not, for people. */
export function whyNotTraceable(): string | undefined {
  const probe = spawnSync("strace", ["-qq", "-e", "trace=none", "true"], { encoding: "utf8" });
  if (probe.status === 0) return undefined;
  const why =
    (probe.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT" ? "it is not installed" : probe.stderr;
  return `strace is needed to stop a program at each of its system calls: ${why}`;
}

/** What `args` (of this Node) does to files below `root`, which exists and stays as the program leaves it. */
export function traceFiles(root: string, args: readonly string[]): DiskOperation[] {
  const folder = mkdtempSync(join(tmpdir(), "oc-trace-"));
  const output = join(folder, "trace");
  try {
    const calls = [...changingCalls, ...alsoFollowed].join(",");
    const options = ["-f", "-qq", "--seccomp-bpf", "-xx", "-s", "4000000", "-o", output, "-e", `trace=${calls}`];
    const run = spawnSync("strace", [...options, process.execPath, ...args], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`The traced program ended with ${run.status}:\n${run.stdout}${run.stderr}`);
    return new TraceReader(root).read(readFileSync(output, "latin1"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface OpenFile {
  file: number | undefined;
  path: string;
  position: number;
  append: boolean;
}

class TraceReader {
  readonly #root: string;
  readonly #open = new Map<string, OpenFile>();
  readonly #files = new Map<string, number>();
  readonly #sizes = new Map<number, number>();
  readonly #unfinished = new Map<string, string>();
  readonly #operations: DiskOperation[] = [];
  #count = 0;

  constructor(root: string) {
    this.#root = root;
  }

  read(text: string): DiskOperation[] {
    for (const line of text.split("\n")) this.#line(line);
    return this.#operations;
  }

  // Calls of several threads interleave: "… <unfinished ...>" is joined with its "<... resumed>", where it took effect.
  #line(line: string): void {
    const [, pid, rest] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || rest === undefined) return;
    if (rest.endsWith(" <unfinished ...>")) {
      this.#unfinished.set(pid, rest.slice(0, -" <unfinished ...>".length));
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const call = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(resumed ? this.#unfinished.get(pid)! + resumed[1] : rest);
    if (call === null || Number(call[3]) < 0) return;
    this.#call(call[1]!, splitArguments(call[2]!), Number(call[3]));
  }

  #call(name: string, args: string[], result: number): void {
    const [first = "", second = ""] = args;
    if (name === "openat") this.#opened(text(second), args[2]!, result);
    else if (name === "close") this.#open.delete(first);
    else if (name === "write" || name === "pwrite64") this.#wrote(name, args, result);
    else if (name === "ftruncate") this.#truncated(first, Number(second));
    else if (name === "fsync" || name === "fdatasync") this.#synced(first);
    else if (name === "mkdir") this.#linked(text(first), undefined);
    else if (name === "link") this.#linked(text(second), this.#files.get(text(first)));
    else if (name === "rename") this.#renamed(text(first), text(second));
    else if (name === "unlink") this.#unlinked(text(first));
    else if (!this.#isElsewhere(args)) throw new Error(`The trace has a call that is not understood: ${name}`);
  }

  #opened(path: string, flags: string, fd: number): void {
    if (!this.#isBelow(path)) return;
    if (flags.includes("O_DIRECTORY")) {
      this.#open.set(String(fd), { file: undefined, path, position: 0, append: false });
      return;
    }
    let file = this.#files.get(path);
    if (file === undefined) {
      if (!flags.includes("O_CREAT")) {
        // A folder opened to be synced; files that were there before are not followed.
        this.#open.set(String(fd), { file: undefined, path, position: 0, append: false });
        return;
      }
      file = this.#count++;
      this.#files.set(path, file);
      this.#operations.push({ kind: "link", path, file });
    } else if (flags.includes("O_TRUNC")) this.#operations.push({ kind: "truncate", file, size: 0 });
    if (flags.includes("O_TRUNC")) this.#sizes.set(file, 0);
    this.#open.set(String(fd), { file, path, position: 0, append: flags.includes("O_APPEND") });
  }

  #wrote(name: string, args: string[], length: number): void {
    const open = this.#open.get(args[0]!);
    const data = bytes(args[1]!).subarray(0, length);
    if (args[0] === "1" && open === undefined) {
      for (const line of data.toString().split("\n")) if (line) this.#operations.push({ kind: "said", line });
    }
    if (open?.file === undefined) return;
    const size = this.#sizes.get(open.file) ?? 0;
    const offset = name === "pwrite64" ? Number(args[3]) : open.append ? size : open.position;
    if (name === "write") open.position = offset + length;
    this.#sizes.set(open.file, Math.max(size, offset + length));
    this.#operations.push({ kind: "write", file: open.file, offset, data });
  }

  #truncated(fd: string, size: number): void {
    const file = this.#open.get(fd)?.file;
    if (file === undefined) return;
    this.#sizes.set(file, size);
    this.#operations.push({ kind: "truncate", file, size });
  }

  #synced(fd: string): void {
    const open = this.#open.get(fd);
    if (open === undefined) return;
    if (open.file === undefined) this.#operations.push({ kind: "syncFolder", path: open.path });
    else this.#operations.push({ kind: "sync", file: open.file });
  }

  #linked(path: string, file: number | undefined): void {
    if (!this.#isBelow(path)) return;
    if (file !== undefined) this.#files.set(path, file);
    this.#operations.push({ kind: "link", path, file });
  }

  #renamed(from: string, to: string): void {
    if (!this.#isBelow(from)) return;
    const file = this.#files.get(from);
    if (file === undefined) throw new Error(`A file from before the trace was renamed: ${from}`);
    this.#files.delete(from);
    this.#files.set(to, file);
    this.#operations.push({ kind: "rename", from, to });
  }

  #unlinked(path: string): void {
    if (!this.#isBelow(path)) return;
    this.#files.delete(path);
    this.#operations.push({ kind: "unlink", path });
  }

  #isBelow(path: string): boolean {
    return path.startsWith(`${this.#root}/`) || path === this.#root;
  }

  #isElsewhere(args: string[]): boolean {
    const named = args.some((arg) => arg.startsWith('"') && this.#isBelow(text(arg)));
    return !named && !this.#open.has(args[0]!);
  }
}

/** Strings are hexadecimal, so nothing in them looks like a comma or a quote. */
function splitArguments(args: string): string[] {
  return args.split(", ");
}

function bytes(argument: string): Buffer {
  return Buffer.from(argument.replaceAll(/["\\x]/g, ""), "hex");
}

function text(argument: string): string {
  return bytes(argument).toString();
}
