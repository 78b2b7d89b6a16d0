// The audit log.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

const rows = (count: number) => plural(count, { one: "entry", other: "entries" });

export const audit = area({
  title: "Audit log",
  filterAction: "Filter by action: job.updated, execution.*",
  filterActor: "Who: name or id",
  filterObject: "On what: name or id",
  who: "Who",
  what: "What",
  object: "On what",
  when: "When",
  address: "Address",
  outcome: "Outcome",
  outcomes: { all: "All", ok: "Done", refused: "Refused" },
  actors: { user: "user", agent: "agent", system: "system", anonymous: "not signed in" },
  range: "Time",
  ranges: { all: "Any time", hour: "Last hour", day: "Last 24 hours", week: "Last 7 days", month: "Last 30 days" },
  emptyTitle: "Nothing has happened yet",
  emptyText: "Every change, sign-in and refusal is written here as it happens.",
  loadMore: "Load older entries",
  newOnes: (count: number) => `Show ${plural(count, { one: "new entry", other: "new entries" })}`,
  rowName: (action: string, object: string) => (object ? `${action} ${object}` : action),
  export: "Export",
  exportJson: "JSON lines, with its proof (the whole log)",
  exportCsv: "CSV of this filter",
  entry: {
    changes: "What changed",
    field: "Field",
    before: "Before",
    after: "After",
    none: "–",
    actor: "Who",
    address: "Address",
    session: "Session",
    request: "Request",
    id: "Entry",
    position: "Place in the chain",
    notChained: "not yet: it takes a second",
    hash: "Hash",
  },
  chain: {
    check: "Check the chain",
    again: "Check again",
    title: "Was the log changed?",
    text: "Each entry is hashed together with the one before it, and the end is signed every minute. This reads all of it again.",
    checking: "Reading all entries…",
    intact: (count: number, checkpoints: number) =>
      `Nothing was changed: ${rows(count)}, ${plural(checkpoints, { one: "signed checkpoint agrees", other: "signed checkpoints agree" })}.`,
    broken: (count: number) =>
      `The log is not as it was written: ${plural(count, { one: "problem", other: "problems" })}.`,
    at: (position: number) => `At ${position}:`,
    whatToDo: "Somebody with access to the database itself did this. Compare with a backup or an older export.",
    end: "End of the chain",
    key: "Signed by",
    keep: "Keep the end of the chain somewhere else: whoever shortens the log cannot reach this hash again.",
  },
});
