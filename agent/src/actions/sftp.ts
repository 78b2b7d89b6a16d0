// `uses: sftp`: a file to or from a machine that has no agent.
import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { SFTPWrapper } from "ssh2";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { changedBefore, madeBefore } from "./made-before.ts";
import { checkParent, findFile, hashFile, planFile } from "./support/plan-file.ts";
import { withSsh } from "./support/ssh-connection.ts";

type Parameters = ActionParameters<"sftp">;

export const sftp: Action<Parameters> = async (parameters, context) =>
  parameters.direction === "upload" ? planUpload(parameters, context) : planDownload(parameters, context);

/** `call` is one request of the protocol with a callback at its end. */
function asked<T>(call: (done: (error: Error | null | undefined, value: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}

function withSftp<T>(
  parameters: Parameters,
  context: ActionContext,
  use: (files: SFTPWrapper) => Promise<T>,
): Promise<T> {
  return withSsh(parameters, context, async (client) => {
    const files = await asked<SFTPWrapper>((done) => client.sftp(done as never)).catch((error: Error) => {
      throw new ActionFailed(`${parameters.host} has no SFTP: ${error.message}`, { cause: error });
    });
    return use(files);
  });
}

async function planUpload(parameters: Parameters, context: ActionContext): Promise<ActionPlan> {
  const { local, remote, host, mode } = parameters;
  const source = await findFile(local);
  const look = source.stats === undefined ? madeBefore : changedBefore;
  const waits = look(context.madeBefore, { kind: "file", name: local });
  if (waits !== undefined) return { changes: [`copy ${local} to ${remote} on ${host}${waits}`] };
  if (source.stats === undefined) throw new ActionFailed(`${local} is not there, so it cannot be copied`);
  const [sha256, bytes] = [await hashFile(source.path), Number(source.stats.size)];
  const there = await withSftp(parameters, context, (files) => lookAt(files, remote, bytes));
  const wantedMode = mode === undefined ? undefined : Number.parseInt(mode, 8);
  const changes = [
    ...(there?.sha256 === sha256 ? [] : [`copy ${local} to ${remote} on ${host}`]),
    ...(there === undefined || wantedMode === undefined || there.mode === wantedMode
      ? []
      : [`change the mode of ${remote} on ${host} to ${mode}`]),
  ];
  return {
    changes,
    outputs: { sha256, bytes: String(bytes) },
    message: `${remote} on ${host} is the same`,
    apply: () =>
      withSftp(parameters, context, (files) => upload(files, source.path, parameters, wantedMode ?? there?.mode)),
  };
}

interface RemoteFile {
  sha256: string | undefined;
  mode: number;
}

/** The content is read only when the size is right. Undefined: there is none. */
async function lookAt(files: SFTPWrapper, path: string, bytes: number): Promise<RemoteFile | undefined> {
  const stats = await asked<import("ssh2").Stats>((done) => files.stat(path, done)).catch(
    (error: Error & { code?: number }) => {
      if (error.code === 2) return undefined; // SSH_FX_NO_SUCH_FILE
      throw new ActionFailed(`${path} cannot be looked at: ${error.message}`, { cause: error });
    },
  );
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw new ActionFailed(`${path} is there and is no regular file`);
  const mode = stats.mode & 0o7777;
  if (stats.size !== bytes) return { sha256: undefined, mode };
  const hash = createHash("sha256");
  await pipeline(files.createReadStream(path), hash);
  return { sha256: hash.digest("hex"), mode };
}

async function upload(
  files: SFTPWrapper,
  from: string,
  { remote }: Parameters,
  mode: number | undefined,
): Promise<undefined> {
  const beside = `${remote}.${randomBytes(6).toString("hex")}.new`;
  try {
    await asked<undefined>((done) => files.fastPut(from, beside, (error) => done(error, undefined)));
    if (mode !== undefined)
      await asked<undefined>((done) => files.chmod(beside, mode, (error) => done(error, undefined)));
    await replace(files, beside, remote);
    return undefined;
  } catch (error) {
    await asked<undefined>((done) => files.unlink(beside, () => done(undefined, undefined)));
    throw new ActionFailed(`${remote} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** The protocol's own rename refuses to replace; OpenSSH has one that does it in one step. */
async function replace(files: SFTPWrapper, from: string, to: string): Promise<void> {
  const rename = (way: "ext_openssh_rename" | "rename") =>
    asked<undefined>((done) => files[way](from, to, (error) => done(error, undefined)));
  try {
    await rename("ext_openssh_rename");
  } catch {
    await asked<undefined>((done) => files.unlink(to, () => done(undefined, undefined)));
    await rename("rename");
  }
}

async function planDownload(parameters: Parameters, context: ActionContext): Promise<ActionPlan> {
  const { local, remote, host, mode } = parameters;
  const wish = `copy ${remote} on ${host} to ${local}`;
  const needed = { kind: "remote", host, name: remote } as const;
  const unknown = (await checkParent(local, context)) || changedBefore(context.madeBefore, needed);
  if (unknown) return { changes: [`${wish}${unknown}`] };
  const file = join(dirname(local), `.oc-sftp-${randomBytes(6).toString("hex")}`);
  const done = () => rm(file, { force: true });
  try {
    await withSftp(parameters, context, (files) =>
      pipeline(files.createReadStream(remote), createWriteStream(file, { flags: "wx", mode: 0o600 })),
    ).catch((error: Error) => {
      throw error instanceof ActionFailed
        ? error
        : new ActionFailed(`${remote} on ${host}: ${error.message}`, { cause: error });
    });
    const plan = await planFile({ path: local, content: { file }, mode, backup: false, showDiff: false }, context);
    return { ...plan, outputs: { ...plan.outputs, bytes: String((await stat(file)).size) }, done };
  } catch (error) {
    await done();
    const waits = isMissing(error as Error) ? madeBefore(context.madeBefore, needed) : undefined;
    if (waits !== undefined) return { changes: [`${wish}${waits}`] };
    throw error;
  }
}

const isMissing = ({ cause }: Error) => (cause as { code?: number } | undefined)?.code === 2; // SSH_FX_NO_SUCH_FILE
