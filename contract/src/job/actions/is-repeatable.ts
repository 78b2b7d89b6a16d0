// Whether an action may simply be done once more when nobody knows how far it came: those that look first, and those
// that only read. Taken for a step that does not say `idempotent` itself. Used by plan-stage.ts and the documentation.
// Pure.
import type { ActionName } from "./action-catalogue.ts";

type Judge = boolean | { when: string; holds: (parameters: Readonly<Record<string, unknown>>) => boolean };

/** RFC 9110, 9.2.2. */
const repeatableMethods: readonly unknown[] = [undefined, "GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

const changesNothing: Judge = { when: "with `changes: false`", holds: ({ changes }) => changes === false };

const judges: Record<ActionName, Judge> = {
  ...{ archive: true, assert: true, copy: true, cron: true, directory: true, fetch: true, file: true, git: true },
  ...{ "line-in-file": true, message: true, package: true, sftp: true, sleep: true, snmp: true, template: true },
  ...{ user: true, "wait-for": true, reboot: false, sql: changesNothing, ssh: changesNothing, winrm: changesNothing },
  http: { when: "with every method but POST and PATCH", holds: ({ method }) => repeatableMethods.includes(method) },
  service: {
    when: "with every state but restarted and reloaded",
    holds: ({ state }) => state === undefined || state === "started" || state === "stopped",
  },
};

/** A parameter that is only known on the host (`${{ … }}`) speaks against it. */
export function isRepeatable(uses: string, parameters: Readonly<Record<string, unknown>>): boolean {
  if (!Object.hasOwn(judges, uses)) return false;
  const judge = judges[uses as ActionName];
  return typeof judge === "boolean" ? judge : judge.holds(parameters);
}

/** For the documentation. */
export function repeatableWords(uses: ActionName): string {
  const judge = judges[uses];
  if (typeof judge !== "boolean") return `yes, ${judge.when}`;
  return judge ? "yes" : "no";
}
