// Which versions of a job the run dialog lets people choose: the newest, and that of the execution that is run again.

export interface VersionToRun {
  version: number;
  kind: "newest" | "ran";
}

/** One is no choice: there is nothing to ask then. */
export function versionsToRun(newest: number | undefined, ran: number | undefined): VersionToRun[] {
  if (newest === undefined) return [];
  const first: VersionToRun = { version: newest, kind: "newest" };
  return ran === undefined || ran === newest ? [first] : [first, { version: ran, kind: "ran" }];
}
