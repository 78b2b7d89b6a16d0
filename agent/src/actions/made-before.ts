// What steps before would make in the same check, so that a later one which needs it can go on: a check makes nothing.
// The runner gathers it (runner/action-command.ts), the actions ask for it. Pure.

/**
 * `any`: a package brings users, groups, services and files, and only its scripts know which; what a script does that a
 * check skips is not known at all. `machine`: anything on another machine. `remote`: a file there.
 */
export type Made =
  | { kind: "user" | "group" | "service" | "file" | "folder" | "machine"; name: string }
  | { kind: "remote"; host: string; name: string }
  | { kind: "any" };
export type Needed = Exclude<Made, { kind: "any" | "machine" }>;

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
    case "directory":
      return [{ kind: "file", name: path! }]; // nothing is in it
    case "git":
      return [{ kind: "folder", name: path! }];
    case "ssh":
      return [{ kind: "machine", name: parameters.host as string }];
    case "sftp":
      return [copied(parameters as { direction: string; host: string; local: string; remote: string })];
    default:
      return [];
  }
}

function copied({ direction, host, local, remote }: Record<"direction" | "host" | "local" | "remote", string>): Made {
  return direction === "upload" ? { kind: "remote", host, name: remote } : { kind: "file", name: local };
}

const group = (name: string): Made => ({ kind: "group", name });

function serviceOf(path: string): Made[] {
  const found = /\/systemd\/.*\/([^/]+)\.service$|\/init\.d\/([^/]+)$/.exec(path);
  return found ? [{ kind: "service", name: found[1] ?? found[2]! }] : [];
}

/** What to add to a change that needs this; undefined when nothing before would make it, so that it is a mistake. */
export function madeBefore(before: readonly Made[], needed: Needed): string | undefined {
  if (!before.some((made) => makes(made, needed))) return undefined;
  return `, when a step before has made ${describe(needed)}`;
}

/** The same of what is there already, when a step before would write it anew: nobody knows what is in it then. */
export function changedBefore(before: readonly Made[], needed: Needed): string | undefined {
  const written = before.some((made) => made.kind !== "any" && made.kind !== "machine" && makes(made, needed));
  return written ? `, as a step before has left ${describe(needed)}: what is in it then cannot be known` : undefined;
}

function describe(needed: Needed): string {
  if (needed.kind === "remote") return `${needed.name} on ${needed.host}`;
  return needed.kind === "file" || needed.kind === "folder" ? needed.name : `the ${needed.kind} ${needed.name}`;
}

function makes(made: Made, needed: Needed): boolean {
  const { kind, name } = needed;
  if (made.kind === "any") return true;
  if (kind === "remote")
    return made.kind === "machine"
      ? made.name === needed.host
      : made.kind === kind && made.host === needed.host && made.name === name;
  if (made.kind === "folder" && (kind === "file" || kind === "folder"))
    return made.name === name || name.startsWith(`${made.name.replace(/\/+$/, "")}/`);
  // What is to be packed may be a folder, and what has files in it is one.
  if (made.kind === "file" && kind === "folder")
    return made.name === name || made.name.startsWith(`${name.replace(/\/+$/, "")}/`);
  return made.kind === kind && (made.name === name || (kind === "service" && `${made.name}.service` === name));
}
