// What steps before would make in the same check, so that a later one which needs it can go on: a check makes nothing.
// The runner gathers it (runner/action-command.ts), the actions ask for it. Pure.

/** `any`: a package brings users, groups, services and files, and only its scripts know which. */
export type Made = { kind: "user" | "group" | "service" | "file" | "folder"; name: string } | { kind: "any" };
export type Needed = Exclude<Made, { kind: "any" | "folder" }>;

/** Of an action that would change something. */
export function madeBy(uses: string, parameters: Record<string, unknown>): Made[] {
  if (parameters.state === "absent") return [];
  const { name, path, to } = parameters as { name?: string; path?: string; to?: string };
  switch (uses) {
    case "user":
      // useradd makes the user's own group too, unless another one is named.
      return [{ kind: "user", name: name! }, ...(parameters.group === undefined ? [group(name!)] : [])];
    case "package":
      return [{ kind: "any" }];
    case "file":
    case "template":
    case "line-in-file":
    case "copy":
    case "fetch":
      return [{ kind: "file", name: path! }, ...serviceOf(path!)];
    case "archive":
      return [to === undefined ? { kind: "file", name: parameters.archive as string } : { kind: "folder", name: to }];
    case "git":
      return [{ kind: "folder", name: path! }];
    default:
      return [];
  }
}

const group = (name: string): Made => ({ kind: "group", name });

function serviceOf(path: string): Made[] {
  const found = /\/systemd\/.*\/([^/]+)\.service$|\/init\.d\/([^/]+)$/.exec(path);
  return found ? [{ kind: "service", name: found[1] ?? found[2]! }] : [];
}

/** What to add to a change that needs this; undefined when nothing before would make it, so that it is a mistake. */
export function madeBefore(before: readonly Made[], needed: Needed): string | undefined {
  if (!before.some((made) => makes(made, needed))) return undefined;
  const what = needed.kind === "file" ? needed.name : `the ${needed.kind} ${needed.name}`;
  return `, when a step before has made ${what}`;
}

function makes(made: Made, { kind, name }: Needed): boolean {
  if (made.kind === "any") return true;
  if (made.kind === "folder") return kind === "file" && name.startsWith(`${made.name.replace(/\/+$/, "")}/`);
  return made.kind === kind && (made.name === name || (kind === "service" && `${made.name}.service` === name));
}
