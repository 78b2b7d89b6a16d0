// `uses: user`: an account of the host with its groups, locked or gone.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionContext, ActionFailed, type ActionPlan } from "./action.ts";
import { madeBefore } from "./made-before.ts";
import { accountFields, groupId } from "./support/account.ts";
import type { Programs } from "./support/run-program.ts";

type Parameters = ActionParameters<"user">;

interface Account {
  uid: string;
  gid: string;
  comment: string;
  home: string;
  shell: string;
}

export const user: Action<Parameters> = async (wish, context) => {
  const now = await find(wish.name, context.programs);
  if (wish.state === "absent") return planAbsent(wish, now, context);
  return now === undefined ? planNew(wish, context) : planExisting(wish, now, context);
};

async function find(name: string, programs: Programs): Promise<Account | undefined> {
  const fields = await accountFields(programs, "passwd", name);
  if (fields === undefined) return undefined;
  const [, , uid, gid, comment, home, shell] = fields as [string, string, string, string, string, string, string];
  return { uid, gid, comment, home, shell };
}

function planAbsent(
  { name, removeHome }: Parameters,
  now: Account | undefined,
  { programs }: ActionContext,
): ActionPlan {
  if (now === undefined) return { changes: [], message: `there is no user ${name}` };
  if (now.uid === "0") throw new ActionFailed("root is not removed");
  return {
    changes: [`remove the user ${name}${removeHome ? ` and ${now.home}` : ""}`],
    apply: async () => {
      const { code, stderr } = await programs.run("userdel", [...(removeHome ? ["-r"] : []), "--", name]);
      // 12: the home directory was not there to be removed.
      if (code !== 0 && code !== 12) throw new ActionFailed(`userdel ${name} failed: ${stderr.trim()}`);
      return undefined;
    },
  };
}

async function planNew(wish: Parameters, context: ActionContext): Promise<ActionPlan> {
  const { programs } = context;
  const { name, uid, group, groups = [], home, shell, comment, system, createHome, locked } = wish;
  const waits = await checkGroups(wish, context);
  const ownGroup = group === undefined && (await accountFields(programs, "group", name)) !== undefined ? name : group;
  const option = (flag: string, value: string | undefined) => (value === undefined ? [] : [flag, value]);
  const args = [
    ...option("-u", uid?.toString()),
    ...option("-g", ownGroup),
    ...option("-G", groups.length > 0 ? groups.join(",") : undefined),
    ...option("-d", home),
    ...option("-s", shell),
    ...option("-c", comment),
    ...(system ? ["-r"] : []),
    createHome ? "-m" : "-M",
  ];
  return {
    changes: [`make the user ${name}${waits}`],
    apply: async () => {
      await programs.must("useradd", [...args, "--", name]);
      if (locked) await lock(programs, name, true);
      return { outputs: outputsOf(await find(name, programs)) };
    },
  };
}

/** What is to be said, in a check, of groups that a step before would make. */
async function checkGroups({ group, groups = [] }: Parameters, context: ActionContext): Promise<string> {
  const waits: string[] = [];
  for (const name of [...(group === undefined ? [] : [group]), ...groups]) {
    if ((await accountFields(context.programs, "group", name)) !== undefined) continue;
    const made = madeBefore(context.madeBefore, { kind: "group", name });
    if (made === undefined) throw new ActionFailed(`there is no group ${name} on this host: make it first`);
    waits.push(made);
  }
  return waits.join("");
}

async function planExisting(wish: Parameters, now: Account, context: ActionContext): Promise<ActionPlan> {
  const { programs } = context;
  const { name, uid, group, home, shell, comment, locked } = wish;
  const waits = await checkGroups(wish, context);
  const gid = group === undefined ? undefined : String((await groupId(context, group))?.id ?? group);
  const groups = await wantedGroups(wish, programs);
  const isLocked = locked === undefined ? undefined : await locksOf(programs, name);
  const differences: { what: string; args: string[] }[] = [
    ...difference("number", now.uid, uid?.toString(), "-u"),
    ...difference("primary group", now.gid, gid, "-g"),
    ...difference("home directory", now.home, home, "-d"),
    ...difference("shell", now.shell, shell, "-s"),
    ...difference("comment", now.comment, comment, "-c"),
    ...(groups === undefined
      ? []
      : [{ what: `change the groups of ${name} to ${groups.join(", ") || "none"}`, args: ["-G", groups.join(",")] }]),
  ].map(({ what, args }) => ({ what: what.replace("{name}", name), args }));
  const switches = locked !== undefined && locked !== isLocked;
  return {
    changes: [
      ...differences.map(({ what }, i) => (i === differences.length - 1 ? `${what}${waits}` : what)),
      ...(switches ? [`${locked ? "lock" : "unlock"} the user ${name}`] : []),
    ],
    outputs: outputsOf(now),
    message: `the user ${name} is as it should be`,
    apply: async () => {
      if (differences.length > 0)
        await programs.must("usermod", [...differences.flatMap(({ args }) => args), "--", name]);
      if (switches) await lock(programs, name, locked);
      return { outputs: outputsOf(await find(name, programs)) };
    },
  };
}

function difference(what: string, now: string, wanted: string | undefined, flag: string) {
  if (wanted === undefined || wanted === now) return [];
  return [{ what: `change the ${what} of {name} from ${now || "nothing"} to ${wanted}`, args: [flag, wanted] }];
}

/** Undefined when they are right. */
async function wantedGroups(
  { name, groups, onlyGroups }: Parameters,
  programs: Programs,
): Promise<string[] | undefined> {
  if (groups === undefined) return undefined;
  const { stdout } = await programs.must("getent", ["group"]);
  const rows = stdout.split("\n").map((line) => line.split(":"));
  const now = rows.filter((row) => row[3]?.split(",").includes(name)).map((row) => row[0]!);
  const wanted = onlyGroups ? groups : [...new Set([...now, ...groups])];
  const same = wanted.length === now.length && wanted.every((one) => now.includes(one));
  return same ? undefined : wanted.toSorted();
}

/** A locked password alone still lets keys in, so the account expires too. */
async function lock(programs: Programs, name: string, locked: boolean): Promise<void> {
  const { code, stderr } = await programs.run("usermod", [locked ? "-L" : "-U", "-e", locked ? "1" : "", "--", name]);
  // Without a password there is nothing to unlock, and usermod refuses to leave it empty.
  if (code !== 0 && locked) throw new ActionFailed(`usermod ${name} failed: ${stderr.trim()}`);
  if (code !== 0) await programs.must("usermod", ["-e", "", "--", name]);
}

async function locksOf(programs: Programs, name: string): Promise<boolean> {
  const { stdout } = await programs.must("getent", ["shadow", name]);
  const fields = stdout.trim().split(":");
  return fields[1]!.startsWith("!") && fields[7] === "1";
}

function outputsOf(account: Account | undefined): Record<string, string> {
  return account === undefined ? {} : { uid: account.uid, home: account.home };
}
