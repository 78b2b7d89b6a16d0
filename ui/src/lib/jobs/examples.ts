// The jobs of samples/operations, as a new job can begin with them. They run in the tests, so that they stay true. A lazy
// island: imported by the pages that offer them.
const files = import.meta.glob<string>("../../../../samples/operations/*.yaml", {
  query: "?raw",
  import: "default",
  eager: true,
});

export interface Example {
  name: string;
  /** The sentences above it: what it is for. */
  about: string;
  text: string;
  steps: number;
  actions: string[];
}

/** In the order of what there is to learn: a change with all its safety first. */
const order = [
  "patch-web-tier",
  "rolling-restart",
  "rotate-logs",
  "certificate-expiry",
  "database-backup",
  "user-offboarding",
];
const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);

export const examples: readonly Example[] = Object.values(files)
  .map(exampleOf)
  .sort((a, b) => place(a.name) - place(b.name) || a.name.localeCompare(b.name));

export function exampleOf(text: string): Example {
  const about = /^(?:#.*\n)*/.exec(text)?.[0] ?? "";
  return {
    name: /^name: *(\S+)/m.exec(text)?.[1] ?? "",
    about: about
      .replaceAll(/^# ?/gm, "")
      .replaceAll(/\s*\n\s*/g, " ")
      .trim(),
    text,
    steps: text.match(/^ {2}- /gm)?.length ?? 0,
    actions: [...new Set([...text.matchAll(/^ +(?:- )?uses: *(\S+)/gm)].map(([, action]) => action ?? ""))].sort(),
  };
}
