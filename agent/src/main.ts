// opsconductor-agent: the program on hosts. Reads the command line and the environment, then hands over.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { BadCommandLine, type CommandLine, parseCommandLine } from "./cli/parse-command-line.ts";
import { usage } from "./cli/usage.ts";
import { describeStatus, statusText } from "./link/describe-status.ts";
import { enroll } from "./link/enroll.ts";
import { hostFingerprint } from "./link/host-keys.ts";
import { encodeRequest, requestInChild } from "./link/request-in-child.ts";
import { CannotRun, runAgent, StateFailed, stateFailedExit } from "./link/run-agent.ts";
import { StateFolder } from "./link/state-folder.ts";
import { checkpointsFile, keptText, readKept } from "./link/stored-checkpoints.ts";
import { createHost } from "./runner/create-host.ts";
import { version } from "./version.ts";

const print = (text: string) => void process.stdout.write(text);

async function main(line: CommandLine): Promise<number> {
  switch (line.command) {
    case "help":
      print(usage);
      return 0;
    case "version":
      print(`${version}\n`);
      return 0;
    case "certificate-request":
      print(encodeRequest(await makeRequest()));
      return 0;
    case "enroll":
      return enrollHost(line);
    case "run":
      return run(line);
    case "status":
      return status(line);
    case "fingerprint":
      return fingerprint(line);
    case "exec":
      return exec(line);
    case "audit":
      return audit(line);
  }
}

async function enrollHost(line: CommandLine): Promise<number> {
  const state = stateOf(line.stateDir);
  const known = state.identity();
  if (known && !line.force) {
    print(`This host is already enrolled as ${known.agentName}. Use --force to enrol it again.\n`);
    return 0;
  }
  const { join, server = "", name } = line;
  const identity = await enroll({ state, token: tokenOf(join), server, name, version, makeRequest });
  print(`Enrolled as ${identity.agentName}.\nFingerprint: ${hostFingerprint(identity)}\n`);
  return 0;
}

/** `-` reads it from standard input, so that it stands in no list of processes. */
function tokenOf(join = ""): string {
  return join === "-" ? readFileSync(0, "utf8") : join;
}

async function run(line: CommandLine): Promise<number> {
  const state = stateOf(line.stateDir);
  const log = createLog();
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.abort());
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "agent.failed");
    process.exit(1); // the service starts it again; what runs is found again
  });
  const program = process.argv[1]!;
  const { join: token, server, name, policy, dial } = line;
  // Enrolling here makes its certificate request in a child too: this process stays for long.
  const request = () => requestInChild(program);
  const enrolFirst = { state, server: server ?? "", name, version, makeRequest: request };
  const folders = { stateFolder: join(state.path, "host"), userFolder: `${state.path}-steps` };
  const host = { ...folders, log, environment: process.env };
  await runAgent({
    ...{ state, log, version, program, dial, signal: stopping.signal },
    dialsDirectly: !["grpc_proxy", "https_proxy", "http_proxy"].some((name) => process.env[name]),
    enroll: token && server ? () => enroll({ ...enrolFirst, token: tokenOf(token) }) : undefined,
    createHost: () => createHost(policy === undefined ? host : { ...host, policyPath: policy }),
  });
  // Watches on running steps would keep the process: they are for the next one to take up.
  process.exit(0);
}

function createLog(): Logger {
  const destination = pino.destination({ fd: 1, sync: true });
  destination.on("error", () => {}); // a log that is full or closed must not end the work
  const options = {
    level: process.env.LOG_LEVEL ?? "info",
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  return pino(options, destination);
}

/** 3 when it is not running, as service managers expect it. */
function status({ stateDir, json }: CommandLine): number {
  const described = describeStatus(stateOf(stateDir));
  print(json ? `${JSON.stringify(described, undefined, 2)}\n` : statusText(described));
  return described.running ? 0 : 3;
}

/** Interrupting once cancels the job; `finally` still runs. */
async function exec({ file, inputs = [], policy }: CommandLine): Promise<number> {
  const { runOffline } = await import("./runner/run-offline.ts");
  const interrupted = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => interrupted.abort());
  const succeeded = await runOffline({
    ...{ definition: readFileSync(file!), inputs, environment: process.env, policyPath: policy },
    log: pino({ level: process.env.LOG_LEVEL ?? "silent" }, pino.destination(2)),
    signal: interrupted.signal,
    writeOutput: (bytes) => void process.stdout.write(bytes),
    writeLine: (text) => void process.stderr.write(`${text}\n`),
  });
  return succeeded ? 0 : 1;
}

/** 1 when the controller's audit log was noticed to be another one than before. */
function audit({ stateDir, json }: CommandLine): number {
  const kept = readKept(stateOf(stateDir).file(checkpointsFile));
  if (!kept) throw new CannotRun("This host has no checkpoint yet: a running agent gets one a minute");
  print(json ? `${JSON.stringify(kept, undefined, 2)}\n` : keptText(kept));
  return kept.fork ? 1 : 0;
}

function fingerprint({ stateDir }: CommandLine): number {
  const keys = stateOf(stateDir).keys();
  if (!keys) throw new CannotRun("This host has no key yet: enrol it first");
  print(`${hostFingerprint(keys)}\n`);
  return 0;
}

/** The X.509 library is loaded here and nowhere else: a running agent does without it. */
async function makeRequest() {
  const { makeCertificateRequest } = await import("./link/certificate-request.ts");
  return makeCertificateRequest();
}

function stateOf(stateDir: string | undefined): StateFolder {
  return new StateFolder(stateDir ?? defaultStateDir());
}

function defaultStateDir(): string {
  if (process.platform === "win32") return join(process.env.ProgramData ?? "C:\\ProgramData", "OpsConductor", "agent");
  if (process.getuid?.() === 0) return "/var/lib/opsconductor-agent";
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "opsconductor-agent");
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StateFailed) return stateFailedExit;
  return error instanceof BadCommandLine ? 2 : 1;
}

try {
  process.exitCode = await main(parseCommandLine(process.argv.slice(2)));
} catch (error) {
  const known = error instanceof Error;
  const { details } = error as { details?: string };
  process.stderr.write(`${details ?? (known ? error.message : String(error))}\n`);
  if (error instanceof BadCommandLine) process.stderr.write(`\n${usage}`);
  process.exitCode = exitCodeOf(error);
  if (process.exitCode === stateFailedExit) process.exit(); // as after a clean stop: watches would keep it
}
