// `uses: winrm`: a PowerShell script or a command of cmd on a machine with Windows that has no agent.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { type Action, type ActionContext, type ActionEnd, ActionFailed } from "./action.ts";
import { readClixml } from "./support/clixml.ts";
import { readCredential } from "./support/credentials.ts";
import { StreamText } from "./support/stream-text.ts";
import { WinrmConnection } from "./support/winrm-connection.ts";
import { WinrmShell } from "./support/winrm-shell.ts";

type Parameters = ActionParameters<"winrm">;

interface End {
  code: number;
  stdout: string;
  stderr: string;
}

export const winrm: Action<Parameters> = async (parameters, context) => {
  const first = parameters.script.trim().split("\n")[0]!.slice(0, 80);
  if (parameters.changes)
    return { changes: [`run ${first} on ${parameters.host}`], apply: () => perform(parameters, context) };
  const { outputs, message } = await perform(parameters, context);
  return { changes: [], outputs: outputs!, message: message! };
};

async function perform(parameters: Parameters, context: ActionContext): Promise<ActionEnd> {
  const { host, expectCodes, changedCodes } = parameters;
  const { code, stdout, stderr } = await connected(parameters, context);
  const outputs = { code: String(code), stdout, stderr };
  if (!expectCodes.includes(code) && !changedCodes?.includes(code)) {
    const said = stderr.trim().split("\n")[0];
    throw new ActionFailed(`the script ended with ${code} on ${host}${said ? `: ${said}` : ""}`, { outputs });
  }
  return { outputs, message: `ended with ${code} on ${host}`, changed: changedCodes?.includes(code) ?? true };
}

async function connected(parameters: Parameters, context: ActionContext): Promise<End> {
  const { host, port, auth, credential } = parameters;
  const { username, password, certificateAuthority } = await readCredential(credential, context);
  if (username === undefined || password === undefined)
    throw new ActionFailed(`the credential ${credential} needs username and password`);
  const open = () =>
    WinrmConnection.open({
      ...{ host, port, auth, username, password, authority: certificateAuthority },
      fingerprint: parameters.certificateFingerprint?.replaceAll(":", "").toLowerCase(),
      connectTimeoutMs: parseDuration(parameters.connectTimeout)!,
    });
  const connection = await open();
  try {
    const shell = new WinrmShell(connection, host);
    await shell.create(parameters.env);
    return await inShell(shell, { open, close: () => connection.close() }, parameters, context);
  } finally {
    connection.close();
  }
}

interface Connections {
  open: () => Promise<WinrmConnection>;
  /** The first one: what it waits for ends. */
  close: () => void;
}

async function inShell(
  shell: WinrmShell,
  { open, close }: Connections,
  parameters: Parameters,
  context: ActionContext,
): Promise<End> {
  const { host, timeout } = parameters;
  const late = AbortSignal.timeout(parseDuration(timeout)!);
  const stop = AbortSignal.any([late, context.signal]);
  let command: string | undefined;
  const work = async () => {
    command = await shell.start(parameters.shell === "cmd" ? parameters.script : powershell);
    if (parameters.shell === "powershell") await shell.input(command, encoded(parameters.script));
    return collect(shell, command, context);
  };
  try {
    const end = await Promise.race([work(), untilStopped(stop)]);
    await shell.terminate(command!);
    await shell.delete();
    return end;
  } catch (error) {
    // The connection may be waiting for output, or be the reason: another one ends what is still there.
    close();
    await endElsewhere(shell, open, command).catch((left: Error) =>
      context.log(`what was started on ${host} could not be ended: ${left.message}`),
    );
    if (late.aborted) throw new ActionFailed(`the script took longer than ${timeout} on ${host}`, { cause: error });
    throw error;
  }
}

async function endElsewhere(
  shell: WinrmShell,
  open: () => Promise<WinrmConnection>,
  command: string | undefined,
): Promise<void> {
  const other = await open();
  try {
    const same = shell.through(other);
    if (command !== undefined) await same.terminate(command);
    await same.delete();
  } finally {
    other.close();
  }
}

async function collect(shell: WinrmShell, command: string, { log }: ActionContext): Promise<End> {
  const stdout = new StreamText(log);
  const stderr = new StreamText(() => {}); // PowerShell writes XML there, told when it is whole
  const code = await shell.receive(command, ({ stream, bytes }) =>
    (stream === "stdout" ? stdout : stderr).write(bytes),
  );
  for (const one of [stdout, stderr]) one.end();
  const errors = readClixml(stderr.kept);
  for (const line of errors.split(/\r?\n/)) if (line !== "") log(line);
  return { code, stdout: stdout.kept, stderr: errors };
}

function untilStopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new ActionFailed("it was stopped"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

// The script comes over the standard input, as base64: a command line is too short for it, and quoting is no matter. Its
// own `exit 3` ends PowerShell with 3; an error that nothing caught with 1; else the last program's code counts.
const bootstrap = `$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
$script = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Console]::In.ReadToEnd()))
$global:LASTEXITCODE = 0
& ([ScriptBlock]::Create($script))
exit $global:LASTEXITCODE`;
const powershell = `powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ${Buffer.from(bootstrap, "utf16le").toString("base64")}`;

function encoded(script: string): Buffer {
  return Buffer.from(Buffer.from(script).toString("base64"));
}
