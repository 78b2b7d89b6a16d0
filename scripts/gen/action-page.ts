// contract/src/job/actions → docs/actions.md: every action with its parameters, outputs and an example, out of the
// catalogue. Called by main.ts. The text before the actions is written by hand.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ActionName, actionCatalogue, actionNames } from "@opsconductor/contract/job/actions/action-catalogue";
import { actionJsonSchema } from "@opsconductor/contract/job/actions/action-json-schema";
import type { ActionSpec, CheckKind } from "@opsconductor/contract/job/actions/action-spec";
import { repeatableWords } from "@opsconductor/contract/job/actions/is-repeatable";
import { cell, keyTable } from "./job-pages.ts";

const page = "docs/actions.md";
const mark = "<!-- generated from contract/src/job/actions: everything below -->\n";

const inCheckMode: Record<CheckKind, string> = {
  plans: "tells what it would change",
  looks: "does the same: what it does changes nothing (what would, is only told)",
  announces: "tells what it would do",
};

export async function generateActionPage(root: string): Promise<Map<string, string>> {
  const text = await readFile(join(root, page), "utf8");
  const start = text.indexOf(mark);
  if (start < 0) throw new Error(`${page} has lost the line ${mark}`);
  const names = actionNames.toSorted();
  const list = names.map((name) => `| [${name}](#${name}) | ${cell(actionCatalogue[name].summary)} |`);
  const parts = [["| action | what it does |", "| --- | --- |", ...list].join("\n"), ...names.map(describe)];
  return new Map([[page, `${text.slice(0, start)}${mark}\n${parts.join("\n\n")}\n`]]);
}

function describe(name: ActionName): string {
  const spec: ActionSpec = actionCatalogue[name];
  const facts = [
    `Check mode: ${inCheckMode[spec.check]}.`,
    `Repeated when its outcome was lost: ${repeatableWords(name)}.`,
    ...(spec.platforms ? [`Runs on ${spec.platforms}.`] : []),
    ...(spec.code
      ? [
          `No \`\${{ }}\` in ${spec.code.map((key) => `\`${key}\``).join(", ")}: values go through \`${spec.valuesGo}\`.`,
        ]
      : []),
  ];
  return [
    `## ${name}`,
    "",
    spec.summary,
    ...(spec.notes ? ["", spec.notes] : []),
    "",
    facts.join(" "),
    "",
    "```yaml",
    spec.example,
    "```",
    "",
    ...keyTable(actionJsonSchema(name)),
    ...nested(name),
    ...outputs(spec),
  ].join("\n");
}

function nested(name: ActionName): string[] {
  return Object.entries(actionJsonSchema(name).properties ?? {}).flatMap(([key, schema]) =>
    schema.properties ? ["", `\`${key}\`:`, "", ...keyTable(schema)] : [],
  );
}

function outputs({ outputs: named }: ActionSpec): string[] {
  if (!named) return [];
  const rows = Object.entries(named).map(([key, meaning]) => `| \`${key}\` | ${cell(meaning)} |`);
  return ["", "| output | |", "| --- | --- |", ...rows];
}
