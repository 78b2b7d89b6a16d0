// npm run bench -- console: what a cold visit downloads, as ui/scripts/measure.ts counts it from the build's manifest.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../../e2e/devstack/devstack.ts";
import { type Figure, print } from "./figures.ts";

export async function benchConsole(): Promise<void> {
  const script = join(repositoryRoot, "ui/scripts/measure.ts");
  const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  const figures = stdout.split("\n").flatMap(readLine);
  if (figures.length === 0) throw new Error(`${script} printed no figure: ${stderr}`);
  print("console", "sizes of the built console, gzip, and their budgets", figures);
}

/** `ok    shell JavaScript     92.3 KiB  of 105 KiB` */
function readLine(line: string): Figure[] {
  const match = /^(ok|OVER)\s+(.+?)\s+([\d.]+)( KiB)?\s+of (.+)$/.exec(line);
  if (!match) return [];
  const [, verdict, name, value, unit, budget] = match;
  const note = `of ${budget}${verdict === "OVER" ? ": over budget" : ""}`;
  return [{ name: name!, value: Number(value), unit: unit ? "KiB" : "", note }];
}
