// A step's output as an HTTP answer: an attachment, whole or a range, with headers that say what of the output it is.
// Used by routes/executions.ts.
import { z } from "@hono/zod-openapi";
import type { OutputFacts, OutputFile } from "../automation/read-output-file.ts";
import { parseByteRange } from "./byte-range.ts";
import { type Http, problemResponses } from "./router.ts";

const file = {
  content: { "text/plain": { schema: z.string() } },
  headers: z.object({
    "OC-Output-Bytes": z.string().describe("how many bytes of the output are stored, marks not counted"),
    "OC-Output-Complete": z.enum(["true", "false"]).describe("true: nothing more will come"),
    "OC-Output-Gap": z
      .string()
      .optional()
      .describe("offset=21;omitted=983, ...: after that many stored bytes, that many were left out"),
    "OC-Output-Sha256": z
      .string()
      .optional()
      .describe("hex, of the stored bytes without marks, when the try has ended"),
    "OC-Output-Verified": z.enum(["true", "false"]).optional().describe("whether what is stored has that sha256"),
  }),
};
export const fileResponses = {
  200: { description: "All of it", ...file },
  206: { description: "The range asked for", ...file },
  416: { description: "The range begins after the end" },
  ...problemResponses,
};

/** Always an attachment and never sniffed: output is data, whatever it looks like. */
export function sendOutputFile(c: Http, { fileName, totalBytes, output, tag, read }: OutputFile): Response {
  c.header("Content-Type", "text/plain; charset=utf-8");
  c.header("Content-Disposition", `attachment; filename="${fileName}"`);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Cache-Control", "no-store");
  c.header("Accept-Ranges", "bytes");
  if (tag) c.header("ETag", `"${tag}"`);
  for (const [name, value] of Object.entries(outputHeaders(output))) c.header(name, value);
  const range = goesOn(c, tag) ? parseByteRange(c.req.header("range"), totalBytes) : undefined;
  if (range === "unsatisfiable") {
    c.header("Content-Range", `bytes */${totalBytes}`);
    return c.body(null, 416);
  }
  const { from, to } = range ?? { from: 0n, to: totalBytes };
  c.header("Content-Length", String(to - from));
  if (range) c.header("Content-Range", `bytes ${from}-${to - 1n}/${totalBytes}`);
  return c.body(read(from, to), range ? 206 : 200);
}

/** RFC 9110, 13.1.5: a range of a file that is not the one whose beginning the reader holds is answered with all. */
function goesOn(c: Http, tag: string | undefined): boolean {
  const held = c.req.header("if-range");
  return held === undefined || held === `"${tag}"`;
}

function outputHeaders({ storedBytes, gaps, sha256, verified, complete }: OutputFacts): Record<string, string> {
  return {
    "OC-Output-Bytes": String(storedBytes),
    "OC-Output-Complete": String(complete),
    ...(gaps.length > 0
      ? { "OC-Output-Gap": gaps.map((g) => `offset=${g.offset};omitted=${g.omittedBytes}`).join(", ") }
      : {}),
    ...(sha256 ? { "OC-Output-Sha256": Buffer.from(sha256).toString("hex") } : {}),
    ...(verified === null ? {} : { "OC-Output-Verified": String(verified) }),
  };
}
