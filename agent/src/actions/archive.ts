// `uses: archive`: packs or unpacks with the host's own tar and unzip.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { changedBefore, madeBefore } from "./made-before.ts";
import { checkParent, findFile, hashFile, lstatOrNone, planFile } from "./support/plan-file.ts";

type Parameters = ActionParameters<"archive">;

export const archive: Action<Parameters> = async (parameters, context) =>
  parameters.to === undefined ? planPack(parameters, context) : planUnpack(parameters, parameters.to, context);

async function planUnpack(parameters: Parameters, to: string, context: ActionContext): Promise<ActionPlan> {
  const { archive: path, sha256, strip } = parameters;
  const found = await findFile(path);
  const look = found.stats === undefined ? madeBefore : changedBefore;
  const waits = look(context.madeBefore, { kind: "file", name: path });
  if (waits !== undefined) return { changes: [`unpack ${path} to ${to}${waits}`] };
  if (found.stats === undefined) throw new ActionFailed(`${path} is not there, so it cannot be unpacked`);
  const hash = sha256 === undefined ? undefined : await hashFile(found.path);
  if (hash !== sha256) throw new ActionFailed(`${path} has the sha256 ${hash}, not ${sha256}: nothing was unpacked`);
  const zip = isZip(path);
  const names = await listNames(path, zip, context);
  const wrong = names.find((name) => name.startsWith("/") || name.split("/").includes(".."));
  if (wrong !== undefined)
    throw new ActionFailed(`${path} holds ${JSON.stringify(wrong)}, which would leave ${to}: nothing was unpacked`);
  const message = `${to} holds what is in ${path}`;
  if (await isUnpacked({ path, to, strip, zip }, context)) return { changes: [], message };
  return {
    changes: [`unpack ${path} (${names.length} entries) to ${to}`],
    apply: async () => {
      await mkdir(to, { recursive: true });
      if (zip) await context.programs.must("unzip", ["-o", "-q", path, "-d", to]);
      else await context.programs.must("tar", ["-x", "-f", path, "-C", to, `--strip-components=${strip}`]);
      return undefined;
    },
  };
}

async function listNames(path: string, zip: boolean, { programs }: ActionContext): Promise<string[]> {
  const { stdout } = zip ? await programs.must("unzip", ["-Z1", path]) : await programs.must("tar", ["-t", "-f", path]);
  return stdout.split("\n").filter(Boolean);
}

interface Unpacking {
  path: string;
  to: string;
  strip: number;
  zip: boolean;
}

/** Where the host's tools cannot compare, it is unpacked again. */
async function isUnpacked({ path, to, strip, zip }: Unpacking, { programs }: ActionContext): Promise<boolean> {
  if ((await lstatOrNone(to)) === undefined) return false;
  if (zip) return false;
  const compared = await programs.run("tar", ["-d", "-f", path, "-C", to, `--strip-components=${strip}`]);
  const said = `${compared.stdout}${compared.stderr}`.split("\n").filter(Boolean);
  // A folder of which strip leaves no name, and owners that only root could have set, are no differences.
  const ignored = process.getuid?.() === 0 ? /^tar: : / : /^tar: : |: [UG]id differs$/;
  return compared.code <= 1 && said.every((line) => ignored.test(line));
}

/** Made beside and compared: the same content gives the same bytes, because names are sorted and no time is in gzip. */
async function planPack({ archive: path, from = [] }: Parameters, context: ActionContext): Promise<ActionPlan> {
  for (const one of from) {
    const there = (await lstatOrNone(one)) !== undefined;
    const waits = (there ? changedBefore : madeBefore)(context.madeBefore, { kind: "folder", name: one });
    if (waits !== undefined) return { changes: [`pack ${from.join(", ")} into ${path}${waits}`] };
    if (!there) throw new ActionFailed(`${one} is not there, so it cannot be packed`);
  }
  const waits = await checkParent(path, context);
  if (waits !== "") return { changes: [`create ${path} from ${from.join(", ")}${waits}`] };
  const folder = await mkdtemp(join(dirname(path), ".oc-archive-"));
  const made = join(folder, basename(path));
  const done = () => rm(folder, { recursive: true, force: true });
  try {
    await pack(made, from, context);
    const plan = await planFile({ path, content: { file: made }, backup: false, showDiff: false }, context);
    return { ...plan, changes: plan.changes.map((change) => `${change} from ${from.join(", ")}`), done };
  } catch (error) {
    await done();
    throw error;
  }
}

async function pack(made: string, from: readonly string[], { programs }: ActionContext): Promise<void> {
  const names = from.map((one) => relative("/", one) || ".");
  if (isZip(made)) {
    await programs.must("zip", ["-q", "-r", "-X", made, ...names], { cwd: "/" });
    return;
  }
  const packer = /\.(gz|tgz)$/.test(made) ? ["--use-compress-program=gzip -n"] : ["-a"];
  await programs.must("tar", ["-c", "-f", made, "--sort=name", ...packer, "-C", "/", "--", ...names]);
}

const isZip = (path: string) => /\.(zip|jar|war)$/i.test(path);
