// Actions that look, wait and tell. Part of the catalogue; implemented in agent/src/actions. Pure.
import "../../zod-without-eval.ts";
import * as z from "zod";
import { absolutePath, actionSpec, duration, hostName, port } from "./action-spec.ts";

const day = 24 * 3_600_000;
const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http or https address" });
const method = z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export const flowActions = {
  http: actionSpec({
    summary: "Sends an HTTP request and checks the answer.",
    notes:
      "GET, HEAD and OPTIONS change nothing and are sent in check mode too; the others are only announced then. Redirects are not followed unless told.",
    parameters: z.strictObject({
      url: httpUrl.describe("The address."),
      method: method.default("GET").describe("The method."),
      headers: z.record(z.string().max(200), z.string().max(8192)).default({}).describe("Headers of the request."),
      body: z
        .string()
        .max(1024 * 1024)
        .optional()
        .describe("Body, as text."),
      json: z.unknown().optional().describe("Body, as a value that is sent as JSON; instead of body."),
      followRedirects: z.boolean().default(false).describe("Follow up to ten redirects."),
      timeout: duration(3_600_000, "at most 1h").default("30s").describe("Longest time of the request."),
      expect: z
        .strictObject({
          status: z
            .array(z.int().min(100).max(599))
            .min(1)
            .max(50)
            .optional()
            .describe("Accepted; 200 to 299 unless told."),
          contains: z.string().max(4096).optional().describe("Text that the body must contain."),
          json: z
            .record(z.string().max(500), z.union([z.string(), z.number(), z.boolean(), z.null()]))
            .optional()
            .describe("Values by their path in the JSON body, e.g. `status` or `items.0.name`."),
          maxMs: z.int().min(1).optional().describe("Longest time until the whole answer, in milliseconds."),
          certificateDays: z
            .int()
            .min(0)
            .max(3650)
            .optional()
            .describe("Days that the server's certificate must still be valid."),
        })
        .default({})
        .describe("What the answer must be; else the step fails."),
    }),
    outputs: {
      status: "the status code",
      body: "the first 64 KiB of the body",
      durationMs: "until the whole answer",
      certificateDays: "days until the certificate expires (https)",
    },
    check: "looks",
    example: `- uses: http
  with: { url: "https://\${{ target.name }}/health", expect: { status: [200], json: { status: ok } } }`,
  }),
  "wait-for": actionSpec({
    summary: "Waits until a port, a file, an address or a command answers as it should.",
    parameters: z
      .strictObject({
        port: port.optional().describe("TCP port that accepts a connection."),
        host: hostName.default("127.0.0.1").describe("With port: where."),
        path: absolutePath.optional().describe("A file or directory that is there."),
        url: httpUrl.optional().describe("Address that answers with 200 to 299."),
        command: z
          .array(z.string().max(64 * 1024))
          .min(1)
          .max(100)
          .optional()
          .describe("Program and arguments, without any shell, that end with 0."),
        state: z.enum(["present", "absent"]).default("present").describe("absent: wait until it is no longer so."),
        timeout: duration(day, "at most 1d").default("5m").describe("Then the step fails."),
        every: duration(3_600_000, "at most 1h").default("1s").describe("Between two looks."),
      })
      .refine(
        ({ port, path, url, command }) => [port, path, url, command].filter((one) => one !== undefined).length === 1,
        { message: "wait-for needs exactly one of port, path, url and command" },
      ),
    outputs: { waitedMs: "how long it took" },
    check: "announces",
    example: `- uses: wait-for
  with: { port: 8080, timeout: 2m }`,
  }),
  assert: actionSpec({
    summary: "Fails the step unless everything that is listed is true.",
    parameters: z.strictObject({
      that: z
        .array(
          z.union([z.boolean(), z.enum(["true", "false"])], { error: "must be an expression that is true or false" }),
        )
        .min(1)
        .max(100)
        .describe('Conditions, each as one "${{ … }}".'),
      message: z.string().max(2000).optional().describe("What to say when one is false."),
    }),
    check: "looks",
    example: `- uses: assert
  with: { that: ["\${{ steps.check.outputs.status == '200' }}"], message: The web server is not well }`,
  }),
  sleep: actionSpec({
    summary: "Waits a while.",
    parameters: z.strictObject({ for: duration(day, "at most 1d").describe("How long.") }),
    check: "announces",
    example: `- uses: sleep
  with: { for: 30s }`,
  }),
  message: actionSpec({
    summary: "Writes a text to the output of the step.",
    parameters: z.strictObject({
      text: z
        .string()
        .max(64 * 1024)
        .describe("The text."),
    }),
    check: "looks",
    example: `- uses: message
  with: { text: "\${{ target.name }} is done" }`,
  }),
} as const;
