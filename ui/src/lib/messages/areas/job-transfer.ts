// Words of taking jobs along as files and back.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

const jobs = { one: "job", other: "jobs" };

export const jobTransfer = area({
  menu: "Import and export",
  export: "Export every job",
  exportFound: (count: number) =>
    plural(count, { one: "Export the job that is listed", other: "Export the # jobs that are listed" }),
  import: "Import",
  title: "Import jobs",
  intro:
    "From a file that was exported here or on another controller, or one that git archive makes. Jobs are found by name: a new name makes a job, a known one gets a new version. All are saved, or none.",
  file: "File",
  fileHint: "A ZIP archive with a .yaml or .json file for each job, or one such file.",
  tooLarge: (size: string, most: string) => `The file has ${size}, and at most ${most} are taken: make several of it.`,
  reading: "Looking at what it would do …",
  list: "What the import does",
  message: "Why",
  messageHint: "Kept with each new version.",
  outcomes: { new: "new", new_version: "new version", unchanged: "unchanged", problem: "cannot be saved" },
  asVersion: (version: number) => `v${version}`,
  unnamed: "no name",
  at: (line: number, column: number) => `line ${line}, column ${column}: `,
  ignored: (count: number) =>
    plural(count, {
      one: "A file is no job by its name, and is left out:",
      other: "# files are no jobs by their names, and are left out:",
    }),
  problems: (count: number) =>
    `${plural(count, jobs)} cannot be saved, so none will be. Mend the file and choose it again.`,
  nothing: "Every job of the file is here already, byte for byte: there is nothing to import.",
  changed: "Something was saved here since you looked. This is what the import would do now.",
  submit: (count: number) => (count === 0 ? "Import" : `Import ${plural(count, jobs)}`),
  done: (made: number, saved: number) =>
    [
      made > 0 ? plural(made, { one: "new job", other: "new jobs" }) : "",
      saved > 0 ? plural(saved, { one: "new version", other: "new versions" }) : "",
    ]
      .filter(Boolean)
      .join(", "),
  doneTitle: "Imported",
});
