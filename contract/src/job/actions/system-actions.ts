// Actions on what runs and is installed on a host. Part of the catalogue; implemented in agent/src/actions. Pure.
import "../../zod-without-eval.ts";
import * as z from "zod";
import { absolutePath, accountName, actionSpec, credential, duration, oneLine } from "./action-spec.ts";

const hour = 3_600_000;
const state = z.enum(["present", "absent"]).default("present");
const packageName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9@][A-Za-z0-9+._:~@=-]*$/, "must be the name of a package, optionally with =version");
const unitName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9@][A-Za-z0-9:_.\\@-]*$/, "must be the name of a service");
const cronField = "[0-9A-Za-z*,/-]+";
const schedule = z
  .string()
  .regex(
    new RegExp(`^(@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|${cronField}( +${cronField}){4})$`),
    'must be five fields like "30 2 * * *", or @daily, @hourly …',
  );
const groupName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, "must be a name like www-data");

export const systemActions = {
  package: actionSpec({
    summary: "Installs, upgrades or removes packages with the host's own package manager.",
    notes:
      "Configuration files that somebody changed are kept. What would be installed besides is told in check mode, as the package manager itself says it. The list of packages is refreshed first unless told otherwise, and never in check mode. When another program holds the manager's lock, apt, zypper and apk wait for ten minutes. A package that is held or locked stays with upgradeAll; latest fails then, and says so.",
    parameters: z
      .strictObject({
        names: z
          .array(packageName)
          .min(1)
          .max(500)
          .optional()
          .describe("Packages by name, or name=version as the host's package manager writes versions."),
        state: z
          .enum(["present", "latest", "absent"])
          .default("present")
          .describe("present: installed in any version. latest: in the newest that the host's sources have."),
        upgradeAll: z.boolean().default(false).describe("Instead of names: bring everything to its newest version."),
        refresh: z.boolean().default(true).describe("Refresh the list of packages before something is installed."),
      })
      .refine(({ names, upgradeAll }) => (names === undefined) === upgradeAll, {
        message: "package needs names, or upgradeAll: true",
      }),
    outputs: { packages: "what was or would be changed, one a line" },
    check: "plans",
    platforms: "Linux with apt, dnf, yum, zypper or apk",
    example: `- uses: package
  with: { names: [nginx, openssl], state: latest }
  timeout: 20m`,
  }),
  service: actionSpec({
    summary: "Starts, stops, restarts or reloads a service, and says whether it starts with the host.",
    notes:
      "restarted and reloaded do so every time; with the others nothing happens when the service is as it should be.",
    parameters: z
      .strictObject({
        name: unitName.describe("The service."),
        state: z.enum(["started", "stopped", "restarted", "reloaded"]).optional().describe("What shall be with it."),
        enabled: z.boolean().optional().describe("Whether it starts with the host."),
        daemonReload: z.boolean().default(false).describe("systemd: read changed unit files before."),
      })
      .refine(({ state, enabled }) => state !== undefined || enabled !== undefined, {
        message: "service needs state or enabled",
      }),
    outputs: { state: "started or stopped, after the step" },
    check: "plans",
    platforms: "Linux with systemd or OpenRC",
    example: `- uses: service
  with: { name: nginx, state: reloaded, enabled: true }`,
  }),
  user: actionSpec({
    summary: "Makes a user with its groups, locks it, or removes it.",
    parameters: z.strictObject({
      name: groupName.describe("Name of the user."),
      state: state.describe("Whether it shall be there."),
      uid: z.int().min(0).max(4294967294).optional().describe("Its number; the host chooses unless told."),
      group: accountName.optional().describe("Primary group, which must be there; one of its own name unless told."),
      groups: z.array(groupName).max(100).optional().describe("Groups besides; others stay unless onlyGroups."),
      onlyGroups: z.boolean().default(false).describe("Leave all groups that are not named."),
      home: absolutePath.optional().describe("Home directory."),
      createHome: z.boolean().default(true).describe("Make the home directory with the user."),
      shell: absolutePath.optional().describe("Login shell."),
      comment: oneLine
        .refine((text) => !text.includes(":"), "must have no colon")
        .optional()
        .describe("For people; often the full name."),
      system: z.boolean().default(false).describe("A user of a program, with a number below those of people."),
      locked: z
        .boolean()
        .optional()
        .describe("Whether it can sign in: with true neither password nor key is accepted."),
      removeHome: z.boolean().default(false).describe("With absent: remove its home directory and mail too."),
    }),
    outputs: { uid: "its number", home: "its home directory" },
    check: "plans",
    platforms: "Linux with useradd, usermod and userdel",
    example: `- uses: user
  with: { name: app, system: true, home: /opt/app, shell: /usr/sbin/nologin, groups: [www-data] }`,
  }),
  cron: actionSpec({
    summary: "Makes an entry that cron runs, in a file of its own, or removes it.",
    notes:
      "The entry is the file /etc/cron.d/‹name›. A percent sign in the command is written so that cron does not take it for a line break.",
    parameters: z
      .strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,100}$/, "has letters, digits, _ and -: cron ignores files with others")
          .describe("Name of the entry and of its file."),
        state: state.describe("Whether it shall be there."),
        schedule: schedule.optional().describe('When: five fields like "30 2 * * *", or @daily, @hourly, @reboot …'),
        user: accountName.default("root").describe("Who runs it."),
        command: oneLine.max(900).optional().describe("What cron gives to its shell, in one line."),
        env: z
          .record(
            z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "an environment name has letters, digits and _"),
            oneLine,
          )
          .default({})
          .describe("Environment of the command."),
        directory: absolutePath.default("/etc/cron.d").describe("Where cron reads such files."),
      })
      .refine(
        ({ state, schedule, command }) => state === "absent" || (schedule !== undefined && command !== undefined),
        { message: "cron needs schedule and command" },
      ),
    code: ["command"],
    valuesGo: "env",
    check: "plans",
    platforms: "Linux with a cron that reads /etc/cron.d",
    example: `- uses: cron
  with: { name: app-cleanup, schedule: "30 2 * * *", user: app, command: /opt/app/bin/cleanup --days "$DAYS", env: { DAYS: "14" } }`,
  }),
  git: actionSpec({
    summary: "Makes a directory be a git checkout at a commit, tag or branch.",
    notes:
      "The commit is checked out by itself (detached), so that nothing depends on branches on the host. Hooks of the repository are not run. Changes that somebody made in the checkout are not overwritten unless force.",
    parameters: z.strictObject({
      repo: z
        .string()
        .max(2000)
        .regex(
          /^(https?:\/\/|ssh:\/\/|git:\/\/|file:\/\/|\/|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:)/,
          "must be an address of a repository",
        )
        .refine((text) => !/[\n\r\0]|::/.test(text), "must be an address of a repository")
        .describe("Address of the repository."),
      path: absolutePath.describe("Directory of the checkout."),
      ref: z
        .string()
        .max(300)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._/+-]*$/, "must be a branch, a tag or a commit")
        .default("HEAD")
        .describe("Branch, tag or whole commit; the repository's own branch unless told."),
      depth: z.int().min(1).max(1_000_000).optional().describe("Fetch only so many commits."),
      force: z.boolean().default(false).describe("Throw away what somebody changed in the checkout."),
      credential: credential.optional(),
    }),
    outputs: { commit: "the commit that is checked out", before: "the one that was before, or nothing" },
    check: "plans",
    platforms: "hosts with git",
    example: `- uses: git
  with: { repo: https://git.example.com/app.git, path: /opt/app/src, ref: v1.4.2 }`,
  }),
  reboot: actionSpec({
    summary: "Restarts the host and goes on with the next step when it is back.",
    notes:
      "The agent must start with the host. The step succeeds once the host has really started anew; when it has not within the timeout, the step fails.",
    parameters: z.strictObject({
      message: oneLine.max(200).default("restarted by OpsConductor").describe("Shown to people who are signed in."),
      timeout: duration(24 * hour, "at most 1d")
        .default("10m")
        .describe("How long the host may take until it goes down."),
    }),
    check: "announces",
    platforms: "Linux",
    example: `- uses: reboot
  with: { timeout: 5m }
  timeout: 15m`,
  }),
} as const;
