// Runs one action in this process, in a temporary folder, with its parameters read by its schema as the agent does. For
// tests of what an action does; that it is a process of its own is tested in runner/action-steps.test.ts.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ActionName, actionCatalogue } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Made } from "../made-before.ts";
import { perform } from "../run-action.ts";
import { Programs } from "../support/run-program.ts";

export interface Performed {
  changed: boolean;
  outputs: Record<string, string>;
  message: string;
  log: string;
}

export class ActionBench {
  readonly folder = mkdtempSync(join(tmpdir(), "oc-action-"));
  /** Folder of the try, where actions keep what is private. */
  readonly tryFolder = mkdtempSync(join(tmpdir(), "oc-try-"));
  environment: NodeJS.ProcessEnv = process.env;

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | Buffer, mode = 0o644): string {
    writeFileSync(this.path(name), content, { mode });
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  names(): string[] {
    return readdirSync(this.folder).sort();
  }

  async run(
    uses: ActionName,
    given: Record<string, unknown>,
    { check = false, signal = neverAborted, madeBefore = [] as Made[] } = {},
  ): Promise<Performed> {
    const lines: string[] = [];
    const parameters = actionCatalogue[uses].parameters.parse(given) as Record<string, unknown>;
    const execution = { id: "execution-1", number: 7, job: "test-job" };
    const programs = new Programs(this.environment, signal);
    const context = {
      signal,
      check,
      madeBefore,
      execution,
      programs,
      folder: this.tryFolder,
      hide: () => {},
      credentialFolder: this.folder,
      log: (line: string) => void lines.push(line),
    };
    const result = await perform({ uses, parameters, check, execution }, context);
    return { ...result, log: lines.join("\n") };
  }

  check(uses: ActionName, given: Record<string, unknown>, madeBefore: Made[] = []): Promise<Performed> {
    return this.run(uses, given, { check: true, madeBefore });
  }

  close(): void {
    for (const folder of [this.folder, this.tryFolder]) rmSync(folder, { recursive: true, force: true });
  }
}

const neverAborted = new AbortController().signal;
