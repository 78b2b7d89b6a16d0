// `uses: git`: a checkout at a commit.
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed } from "./action.ts";
import { gitCredential } from "./support/git-credential.ts";

type Parameters = ActionParameters<"git">;
type Git = (args: readonly string[], options?: { cwd?: string }) => Promise<string>;

/** No code of the repository runs, nobody is asked, and a checkout of another owner is one too. */
const settings = [
  "core.hooksPath=/dev/null",
  "safe.directory=*",
  "protocol.ext.allow=never",
  "advice.detachedHead=false",
];

export const git: Action<Parameters> = async (parameters, context) => {
  const run = await gitRunner(parameters, context);
  const { path, repo, ref, force } = parameters;
  const wanted = await resolveRef(run, repo, ref);
  const before = await headOf(run, path);
  const dirty = before === undefined ? "" : await run(["status", "--porcelain", "--untracked-files=no"], { cwd: path });
  if (dirty !== "" && !force)
    throw new ActionFailed(
      `${path} has changes that nobody committed (${dirty.split("\n")[0]!.trim()} …): commit them, or say force: true`,
    );
  const origin =
    before === undefined ? repo : (await run(["config", "--get", "remote.origin.url"], { cwd: path })).trim();
  const changes = [
    ...(before === wanted ? [] : [`check out ${wanted.slice(0, 12)} (${ref}) of ${repo} in ${path}`]),
    ...(origin === repo ? [] : [`change the origin of ${path} from ${origin} to ${repo}`]),
    ...(dirty === "" ? [] : [`throw away what was changed in ${path}`]),
  ];
  const outputs = { commit: wanted, ...(before === undefined ? {} : { before }) };
  return {
    changes,
    outputs,
    message: `${path} is at ${wanted.slice(0, 12)}`,
    apply: () => checkOut(run, parameters, wanted),
  };
};

async function checkOut(run: Git, { path, repo, depth }: Parameters, wanted: string): Promise<undefined> {
  await mkdir(path, { recursive: true });
  await run(["init", "-q"], { cwd: path });
  await run(["config", "remote.origin.url", repo], { cwd: path });
  await run(["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"], { cwd: path });
  const shallow = depth === undefined ? [] : [`--depth=${depth}`];
  // A server may give no single commit by its name: then everything it has.
  await run(["fetch", "-q", ...shallow, "origin", wanted], { cwd: path }).catch(() =>
    run(["fetch", "-q", "--tags", "origin"], { cwd: path }),
  );
  await run(["checkout", "-q", "--force", "--detach", wanted], { cwd: path });
  const now = await headOf(run, path);
  if (now !== wanted) throw new ActionFailed(`${path} is at ${now} after the checkout, not at ${wanted}`);
  return undefined;
}

async function gitRunner({ credential }: Parameters, context: ActionContext): Promise<Git> {
  const env = { GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "/bin/false", ...(await gitCredential(credential, context)) };
  const options = settings.flatMap((setting) => ["-c", setting]);
  return async (args, { cwd } = {}) => {
    const { code, stdout, stderr } = await context.programs.run("git", [...options, ...args], {
      env,
      ...(cwd ? { cwd } : {}),
    });
    if (code === 0) return stdout;
    throw new ActionFailed(`git ${args[0]} failed: ${stderr.trim().split("\n").slice(-2).join(" | ")}`);
  };
}

/** The whole name of the commit that a branch, a tag or the repository's own branch means now. */
async function resolveRef(run: Git, repo: string, ref: string): Promise<string> {
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(ref)) return ref;
  const listed = await run(["ls-remote", "--", repo, ref, `refs/tags/${ref}^{}`]);
  const found = new Map(listed.split("\n").map((line) => line.split("\t").toReversed() as [string, string]));
  // The tag before the branch of the same name, as git does; ^{} is the commit behind a tag with a message.
  for (const name of [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`, ref]) {
    const commit = found.get(name);
    if (commit !== undefined) return commit;
  }
  throw new ActionFailed(`${repo} has no branch, tag or commit ${ref}`);
}

async function headOf(run: Git, path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  if (!existsSync(`${path}/.git`)) {
    if ((await readdir(path)).length > 0) throw new ActionFailed(`${path} is no git checkout, and not empty`);
    return undefined;
  }
  return run(["rev-parse", "--verify", "-q", "HEAD^{commit}"], { cwd: path }).then(
    (text) => text.trim(),
    () => undefined, // a checkout that broke off before its first commit
  );
}
