// Jobs as files: the bytes of one version, many as an archive, and back.
import { createRoute, z } from "@hono/zod-openapi";
import { jobExportRequest, jobImport, jobImportQuery } from "@opsconductor/contract/api/job-transfer";
import { exportJobs, exportVersion, type JobFile } from "../../automation/export-jobs.ts";
import { importJobs } from "../../automation/import-jobs.ts";
import type { ImportInput } from "../../automation/read-import.ts";
import type { Context } from "../../context.ts";
import { definitionBody, readDefinitionBody } from "../definition-body.ts";
import { type Http, idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Jobs"];
const file = { type: "string" as const, format: "binary" };

const download = createRoute({
  method: "get",
  path: "/api/v1/jobs/{idOrName}/versions/{version}/definition",
  tags,
  summary: "The exact bytes of one version, as a file",
  request: {
    params: z.object({
      idOrName,
      version: z.coerce
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1),
    }),
  },
  responses: {
    200: {
      description: "The definition as it was saved, in the type that it was saved as",
      content: { "text/yaml": { schema: z.string() }, "application/json": { schema: z.unknown() } },
    },
    ...problemResponses,
  },
});
const exports = createRoute({
  method: "post",
  path: "/api/v1/job-exports",
  tags,
  summary: "Jobs as one file: a ZIP archive with the newest version of each, byte for byte",
  description:
    "Those that jobs names, those that q finds as in the list of jobs, or every job that the caller may read.",
  request: { body: { ...jsonBody(jobExportRequest), required: false } },
  responses: {
    200: {
      description: "One file for each job: name.yaml or name.json",
      content: { "application/zip": { schema: file } },
    },
    ...problemResponses,
  },
});
const imports = createRoute({
  method: "post",
  path: "/api/v1/job-imports",
  tags,
  summary: "Save every job of an archive, or one definition: all or nothing",
  description:
    "Jobs are found by name, in any case: a new name makes a job, a known one a version, the bytes of its newest version nothing. With dryRun=true nothing is saved, and the mistakes of every file are told with line and column.",
  request: {
    query: jobImportQuery,
    body: { ...definitionBody, content: { "application/zip": { schema: file }, ...definitionBody.content } },
  },
  responses: { 200: jsonResponse(jobImport, "What was done, or would be"), ...problemResponses },
});

export function jobTransferRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(download, async (c) => sendFile(c, await exportVersion(ctx, c.get("actor"), c.req.valid("param"))));
  routes.openapi(exports, async (c) => {
    const body = jobExportRequest.parse(c.req.valid("json") ?? {}); // an empty body is an empty request
    return sendFile(c, await exportJobs(ctx, c.get("actor"), body));
  });
  routes.openapi(imports, async (c) => {
    const { dryRun, plan, message } = c.req.valid("query");
    const body = await readImportBody(c, message);
    return c.json(await importJobs(ctx, c.get("actor"), { ...body, plan, dryRun: dryRun === "true" }), 200);
  });
  return routes;
}

const zipTypes = ["application/zip", "application/x-zip-compressed"];

async function readImportBody(c: Http, message: string): Promise<{ input: ImportInput; message: string }> {
  const type = (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (zipTypes.includes(type)) return { input: { archive: new Uint8Array(await c.req.arrayBuffer()) }, message };
  const { definition, ...rest } = await readDefinitionBody(c, message);
  return { input: definition, message: rest.message };
}

function sendFile(c: Http, { fileName, contentType, bytes }: JobFile) {
  c.header("Content-Type", contentType);
  c.header("Content-Disposition", `attachment; filename="${fileName}"`);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Cache-Control", "no-store");
  return c.body(bytes, 200);
}
