// The beginning of a step's output as plain text, for comparing two of them: as a terminal leaves it, without colours.
import { getOutput, type OutputPlace } from "../api/executions.ts";
import { plainText } from "../log/ansi.ts";

/** More would take the comparison seconds; what is said beside it tells that it was cut. */
export const maxComparedLines = 5000;

export interface OutputText {
  text: string;
  /** There is more than was read. */
  cut: boolean;
}

export async function readOutputText(execution: string, place: OutputPlace, signal: AbortSignal): Promise<OutputText> {
  const { lines, totalLines } = await getOutput(execution, place, { from: 0, limit: maxComparedLines }, signal);
  return { text: lines.map((line) => plainText(line, "terminal")).join("\n"), cut: totalLines > lines.length };
}
