// A program of the host, without any shell, its output captured: how actions use what is installed (tar, apt, git …).
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { ActionFailed } from "../action.ts";

export interface ProgramEnd {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  cwd?: string;
  /** Added to the step's own environment. */
  env?: Record<string, string>;
  input?: string;
  uid?: number;
  gid?: number;
  /** Each line as it comes, for what people want to follow. */
  onLine?: (line: string) => void;
}

const maxCaptured = 16 * 1024 * 1024;

/** The programs of this host, with the environment of the step, stopped when the step is. */
export class Programs {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  constructor(environment: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.#environment = environment;
    this.#signal = signal;
  }

  /** Ends with the program's code. Throws ActionFailed when it is not installed. */
  async run(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
    const { cwd, env, input, uid, gid, onLine } = options;
    const child = spawn(program, args, {
      ...{ cwd, uid, gid, stdio: ["pipe", "pipe", "pipe"] },
      env: { ...this.#environment, LC_ALL: "C.UTF-8", LANGUAGE: "C", ...env },
    });
    const stop = () => child.kill("SIGTERM");
    this.#signal.addEventListener("abort", stop, { once: true });
    child.stdin.on("error", () => {}); // it ended without reading, which its code tells
    child.stdin.end(input ?? "");
    try {
      const texts = [collect(child.stdout, onLine), collect(child.stderr, onLine)];
      const code = await codeOf(child);
      if (this.#signal.aborted) throw new ActionFailed("it was stopped");
      const [stdout, stderr] = texts.map((text) => text());
      return { code, stdout: stdout!, stderr: stderr! };
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT" && cwd === undefined;
      throw missing ? new ActionFailed(`${program} is not installed on this host`, { cause: error }) : error;
    } finally {
      this.#signal.removeEventListener("abort", stop);
    }
  }

  /** As run; an end that is not 0 fails the step with what the program said. */
  async must(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
    const end = await this.run(program, args, options);
    if (end.code === 0) return end;
    const said = (end.stderr.trim() || end.stdout.trim()).split("\n").filter(Boolean);
    const command = [program, ...args].slice(0, 3).join(" ");
    throw new ActionFailed(`${command} failed (${end.code}): ${said.slice(-3).join(" | ")}`);
  }

  async installed(program: string): Promise<boolean> {
    const { code } = await this.run("sh", ["-c", 'command -v "$1" >/dev/null', "sh", program]);
    return code === 0;
  }
}

function codeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal ? 128 + constants.signals[signal] : 1)));
  });
}

function collect(stream: NodeJS.ReadableStream, onLine: ((line: string) => void) | undefined): () => string {
  const parts: string[] = [];
  let length = 0;
  let open = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    length += text.length;
    if (length <= maxCaptured) parts.push(text);
    if (onLine === undefined) return;
    const lines = (open + text).split("\n");
    open = lines.pop()!;
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (open !== "") onLine?.(open);
  });
  return () => parts.join("");
}
