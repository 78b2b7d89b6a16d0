// `uses: fetch`: an artifact from the network, whole and with the right checksum, or not at all.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { checkParent, findFile, hashFile, planFile } from "./support/plan-file.ts";

type Parameters = ActionParameters<"fetch">;

export const fetchArtifact: Action<Parameters> = async (parameters, context) => {
  const { sha256, path, url } = parameters;
  const found = await findFile(path);
  if (sha256 !== undefined && found.stats !== undefined && (await hashFile(found.path)) === sha256) {
    const plan = await planFile({ ...parameters, content: undefined }, context);
    return { ...plan, outputs: { ...plan.outputs, bytes: String(found.stats.size) } };
  }
  if (context.check && sha256 !== undefined) return { changes: [`download ${url} to ${path}`], outputs: { sha256 } };
  const waits = await checkParent(found.path, context);
  if (waits !== "") return { changes: [`download ${url} to ${path}${waits}`] };
  return download(parameters, context);
};

/** What is compared must be here first: it waits beside its place, on the same disk. */
async function download(parameters: Parameters, context: ActionContext): Promise<ActionPlan> {
  const file = join(dirname(parameters.path), `.oc-fetch-${process.pid}-${Date.now()}`);
  const done = () => rm(file, { force: true });
  try {
    const sha256 = await receive(parameters, file, context);
    const bytes = String((await stat(file)).size);
    const plan = await planFile({ ...parameters, content: { file } }, context);
    return { ...plan, outputs: { sha256, bytes }, done };
  } catch (error) {
    await done();
    throw error;
  }
}

async function receive(
  { url, headers, sha256, maxBytes }: Parameters,
  file: string,
  context: ActionContext,
): Promise<string> {
  const response = await fetch(url, { headers, signal: context.signal }).catch((error: Error) => {
    const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
    throw new ActionFailed(`${url} cannot be reached: ${code ?? message}`, { cause: error });
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new ActionFailed(`${url} answered with ${response.status}: nothing was written`);
  }
  const hash = createHash("sha256");
  let received = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      received += chunk.length;
      hash.update(chunk);
      next(received > maxBytes ? new ActionFailed(`${url} is larger than ${maxBytes} bytes (maxBytes)`) : null, chunk);
    },
  });
  const body = Readable.fromWeb(response.body as import("node:stream/web").ReadableStream);
  await pipeline(body, meter, createWriteStream(file, { flags: "wx", mode: 0o600 }), { signal: context.signal }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error instanceof ActionFailed || error.code === "ENOSPC" || error.code === "EACCES") throw error;
      if (error.code === "ENOENT") throw new ActionFailed(`the directory of ${file} does not exist`, { cause: error });
      throw new ActionFailed(`the download of ${url} broke off after ${received} bytes: ${error.message}`, {
        cause: error,
      });
    },
  );
  const length = response.headers.get("content-length");
  if (length !== null && !response.headers.has("content-encoding") && Number(length) !== received)
    throw new ActionFailed(`the download of ${url} broke off: ${received} of ${length} bytes came`);
  const found = hash.digest("hex");
  if (sha256 !== undefined && found !== sha256)
    throw new ActionFailed(`${url} has the sha256 ${found}, not ${sha256}: nothing was written`);
  return found;
}
