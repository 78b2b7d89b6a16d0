// Actions that make files what they should be. Part of the catalogue; implemented in agent/src/actions. Pure.
import "../../zod-without-eval.ts";
import * as z from "zod";
import { compilePattern, PatternError } from "../pattern.ts";
import { absolutePath, actionSpec, backup, fileMode, ownership, sha256, showDiff } from "./action-spec.ts";
import { templateProblem } from "./render-template.ts";

const text = z.string().max(1024 * 1024);
const state = z.enum(["present", "absent"]).default("present");

/** Problems of a pattern in the words of the format's own patterns. */
const pattern = z
  .string()
  .min(1)
  .max(500)
  .superRefine((source, context) => {
    try {
      compilePattern(source);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      context.addIssue({ code: "custom", message: `the pattern cannot be used: ${error.message}` });
    }
  });

export const fileActions = {
  file: actionSpec({
    summary: "Makes a file have a content, a mode and an owner, or removes it.",
    notes:
      "The content is written beside the file and put in its place in one step, so that nobody ever reads half of it. A symbolic link is followed: the file that it names is changed.",
    parameters: z.strictObject({
      path: absolutePath.describe("The file."),
      state: state.describe("Whether it shall be there."),
      content: text.optional().describe("All of its content. Without it an empty file is made where there is none."),
      ...ownership,
      backup,
      diff: showDiff,
    }),
    outputs: { sha256: "of the file after the step", backup: "path of the copy, when one was made" },
    check: "plans",
    example: `- uses: file
  with: { path: /etc/motd, content: "Welcome to \${{ target.name }}\\n", mode: "0644" }`,
  }),
  directory: actionSpec({
    summary: "Makes a directory with a mode and an owner, or removes it.",
    notes: "Missing parents are made too, with the usual permissions.",
    parameters: z.strictObject({
      path: absolutePath.describe("The directory."),
      state: state.describe("Whether it shall be there."),
      ...ownership,
      recursive: z.boolean().default(false).describe("With absent: remove it even when something is in it."),
    }),
    check: "plans",
    example: `- uses: directory
  with: { path: /var/log/app, owner: app, mode: "0750" }`,
  }),
  template: actionSpec({
    summary: "Writes a file from a text with places for values.",
    notes:
      "`{{ name }}` stands for a value, `{{#list}}…{{/list}}` repeats what is inside for each item (`{{ . }}` is the item) or shows it when the value is true, `{{^name}}…{{/name}}` shows it when the value is empty or false. There is nothing else: no code, no functions, no files. A name without a value is an error, and a value is never read as a template again.",
    parameters: z.strictObject({
      path: absolutePath.describe("The file to write."),
      template: text
        .superRefine((source, context) => {
          const problem = templateProblem(source);
          if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
        })
        .describe("The text with its places."),
      values: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a name has letters, digits and _"), z.unknown())
        .default({})
        .describe("Values by name: texts, numbers, true or false, lists, and mappings of them."),
      ...ownership,
      backup,
      diff: showDiff,
    }),
    code: ["template"],
    valuesGo: "values",
    outputs: { sha256: "of the file after the step", backup: "path of the copy, when one was made" },
    check: "plans",
    example: `- uses: template
  with:
    path: /etc/app/app.conf
    template: |
      name = {{ name }}
      {{#peers}}
      peer = {{ . }}
      {{/peers}}
    values: { name: "\${{ target.name }}", peers: [10.0.0.1, 10.0.0.2] }
    mode: "0640"`,
  }),
  "line-in-file": actionSpec({
    summary: "Makes a line be in a file once, replaces the line that matches, or removes it.",
    parameters: z
      .strictObject({
        path: absolutePath.describe("The file."),
        state: state.describe("Whether the line shall be there."),
        line: z
          .string()
          .max(64 * 1024)
          .refine((value) => !/[\n\r]/.test(value), "must be one line")
          .optional()
          .describe("The line, without its end."),
        match: pattern
          .optional()
          .describe("Regular expression. present: the last line that matches is replaced. absent: all of them go."),
        after: pattern
          .optional()
          .describe("A new line goes after the last line that matches; else to the end of the file."),
        create: z.boolean().default(false).describe("Make the file when there is none."),
        ...ownership,
        backup,
        diff: showDiff,
      })
      .refine((value) => value.line !== undefined || value.match !== undefined, {
        message: "line-in-file needs line or match",
      })
      .refine((value) => value.state === "absent" || value.line !== undefined, {
        message: "line is missing: write the line that shall be there",
      }),
    code: ["match", "after"],
    valuesGo: "line",
    check: "plans",
    example: `- uses: line-in-file
  with: { path: /etc/ssh/sshd_config, match: "^#?PermitRootLogin ", line: PermitRootLogin no, backup: true }`,
  }),
  copy: actionSpec({
    summary: "Copies a file on the host to another place.",
    parameters: z.strictObject({
      from: absolutePath.describe("The file to copy."),
      path: absolutePath.describe("Where the copy shall be."),
      sha256: sha256.optional(),
      ...ownership,
      backup,
    }),
    outputs: { sha256: "of the copy", backup: "path of what was there before, when it was kept" },
    check: "plans",
    example: `- uses: copy
  with: { from: /opt/app/current/app.service, path: /etc/systemd/system/app.service, mode: "0644" }`,
  }),
  archive: actionSpec({
    summary: "Packs files into an archive, or unpacks one.",
    notes:
      "tar, tar.gz, tar.xz, tar.zst and zip, by the ending of the archive's name; the host's own tar and unzip do the work. An archive with absolute names or names that leave the folder is refused. Unpacking what is there already, equal in size and time, changes nothing.",
    parameters: z
      .strictObject({
        archive: absolutePath.describe("The archive."),
        to: absolutePath.optional().describe("Unpack it into this directory, which is made when it is missing."),
        from: z.array(absolutePath).min(1).max(1000).optional().describe("Pack these files and directories into it."),
        strip: z
          .int()
          .min(0)
          .max(20)
          .default(0)
          .describe("Leading parts of names to leave out when unpacking (not zip)."),
        sha256: sha256.optional(),
      })
      .refine((value) => (value.to === undefined) !== (value.from === undefined), {
        message: "archive needs to (unpack) or from (pack), and not both",
      }),
    check: "plans",
    platforms: "hosts with tar (and unzip for zip)",
    example: `- uses: archive
  with: { archive: /var/cache/app-1.4.tar.gz, to: /opt/app, strip: 1 }`,
  }),
  fetch: actionSpec({
    summary: "Downloads an artifact over HTTP and checks its checksum.",
    notes:
      "The file is written only when everything has arrived and the checksum is right. With a checksum a file that is right already is not asked for again; without one the download is compared with what is there.",
    parameters: z.strictObject({
      url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }).describe("Where it is."),
      path: absolutePath.describe("Where it shall be."),
      sha256: sha256.optional(),
      headers: z.record(z.string().max(200), z.string().max(8192)).default({}).describe("Headers of the request."),
      maxBytes: z
        .int()
        .min(1)
        .max(64 * 1024 ** 3)
        .default(1024 ** 3)
        .describe("Largest file that is taken."),
      ...ownership,
      mode: fileMode.optional(),
      backup,
    }),
    outputs: { sha256: "of the file", bytes: "its size" },
    check: "plans",
    example: `- uses: fetch
  with:
    url: https://releases.example.com/app-1.4.tar.gz
    sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    path: /var/cache/app-1.4.tar.gz`,
  }),
} as const;
