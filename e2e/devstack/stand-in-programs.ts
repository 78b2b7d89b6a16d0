// Programs of a host that a test may not touch (its packages, services, accounts): each name in a folder for PATH asks the
// test what to say, so that the job, its agent and the way there are real. Called by examples.story.test.ts.
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

export interface ProgramCall {
  args: string[];
  target: string;
  env: Record<string, string>;
}
export interface ProgramAnswer {
  code?: number;
  stdout?: string;
  stderr?: string;
}
export type Program = (call: ProgramCall) => ProgramAnswer | Promise<ProgramAnswer>;

/** Perl starts ten times as fast as Node, and jobs call many programs. Both ways the parts are separated by NUL. */
const asking = `use strict;
use IO::Socket::INET;
my ($port, @call) = @ARGV;
my $asked = IO::Socket::INET->new("127.0.0.1:$port") or die "nobody answers: $!";
my @env = map { "$_=$ENV{$_}" } keys %ENV;
print $asked join("\\0", scalar @call, @call, @env);
$asked->flush;
$asked->shutdown(1);
local $/;
my ($code, $stdout, $stderr) = split /\\0/, <$asked>, -1;
print STDOUT $stdout;
print STDERR $stderr;
exit $code;
`;

export class StandInPrograms {
  /** For the front of PATH. */
  readonly folder: string;
  readonly #programs: Record<string, Program>;
  readonly #server: Server;

  private constructor(folder: string, programs: Record<string, Program>) {
    this.folder = folder;
    this.#programs = programs;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket).catch(() => {}));
  }

  static async start(folder: string, programs: Record<string, Program>): Promise<StandInPrograms> {
    const standIns = new StandInPrograms(folder, programs);
    standIns.#server.listen(0, "127.0.0.1");
    await once(standIns.#server, "listening");
    const { port } = standIns.#server.address() as AddressInfo;
    mkdirSync(folder, { recursive: true });
    const script = join(folder, "ask.pl");
    writeFileSync(script, asking);
    for (const name of Object.keys(programs)) {
      const file = join(folder, name);
      writeFileSync(file, `#!/bin/sh\nexec perl "${script}" ${port} ${name} "$@"\n`);
      chmodSync(file, 0o755);
    }
    return standIns;
  }

  async #serve(socket: Socket): Promise<void> {
    let text = "";
    for await (const piece of socket.setEncoding("utf8")) text += piece;
    const [count, ...parts] = text.split("\0");
    const [name, ...args] = parts.slice(0, Number(count));
    const pairs = parts.slice(Number(count)).map((pair) => pair.split(/=(.*)/s, 2) as [string, string]);
    const env = Object.fromEntries(pairs);
    const {
      code = 0,
      stdout = "",
      stderr = "",
    } = await this.#answer(name!, { args, target: env.OC_TARGET_NAME ?? "", env });
    socket.end([code, stdout, stderr].join("\0"));
  }

  async #answer(name: string, call: ProgramCall): Promise<ProgramAnswer> {
    try {
      return await this.#programs[name]!(call);
    } catch (error) {
      return { code: 99, stderr: `${(error as Error).stack}\n` };
    }
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
