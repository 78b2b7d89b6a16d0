// Words of the log viewer: search, follow, copy, and what it says about lines.
import { formatNumber } from "../../format/number.ts";
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const log = area({
  group: "Log",
  toolbar: "Search and actions of the log",
  search: "Search the log",
  placeholder: "Search the log (n / N to step)",
  clear: "Clear the search",
  next: "Next match",
  previous: "Previous match",
  onlyMatches: "Show matching lines only",
  searching: "Searching…",
  hits: (at: number, total: number) => `${formatNumber(at)} of ${formatNumber(total)}`,
  noHits: "No match",
  inLoaded: (loaded: number) => `in the ${plural(loaded, { one: "line", other: "lines" })} loaded so far`,
  lines: (count: number) => plural(count, { one: "line", other: "lines" }),
  follow: "Follow",
  download: "Download the whole log",
  copyLines: (count: number) => `Copy ${plural(count, { one: "line", other: "lines" })}`,
  copied: (count: number) => `${plural(count, { one: "line", other: "lines" })} copied`,
  gap: (bytes: string) => `✂ ${bytes} left out here: the output limit was reached`,
  moreCharacters: (count: number) => `… ${plural(count, { one: "more character", other: "more characters" })}`,
  overwritten: (count: number) => `overwritten ${plural(count, { one: "time", other: "times" })}`,
  asTerminal: "as a terminal shows it",
  raw: "Show control characters and overwritten text",
  cut: "Cut off from the log; trying again by itself. Nothing is lost.",
});
