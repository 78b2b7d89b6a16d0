// What a host downloads to become an agent: the installer and the agent's archives. Public: there is no secret in them.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createRoute, z } from "@hono/zod-openapi";
import { OcError } from "@opsconductor/contract/errors";
import type { Context } from "../../context.ts";
import { makeInstaller } from "../../fleet/installer.ts";
import { packageFor } from "../../fleet/node-binaries.ts";
import { newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Agents"];

const install = createRoute({
  method: "get",
  path: "/install.sh",
  tags,
  summary: "The installer for hosts: a POSIX shell script that carries the sha256 of the archives",
  responses: { 200: { content: { "text/x-shellscript": {} }, description: "The script" }, ...problemResponses },
});
const file = createRoute({
  method: "get",
  path: "/packages/{file}",
  tags,
  summary: "The agent as an archive for one platform, with the Node that runs it",
  request: { params: z.object({ file: z.string().max(128) }) },
  responses: { 200: { content: { "application/gzip": {} }, description: "The archive" }, ...problemResponses },
});

export function installRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(install, async (c) => {
    const { script, sha256 } = await makeInstaller(ctx);
    const headers = { "Content-Type": "text/x-shellscript; charset=utf-8", "Cache-Control": "no-cache" };
    return c.body(script, 200, { ...headers, ETag: `"${sha256}"` });
  });
  routes.openapi(file, async (c) => {
    const name = c.req.valid("param").file;
    const packages = await ctx.packages.all();
    const found = packages.find((p) => p.fileName === name);
    if (!found)
      throw new OcError(
        "not_found",
        whyNot(
          name,
          packages.map((p) => p.platform),
        ),
      );
    const stream = Readable.toWeb(createReadStream(found.path)) as ReadableStream;
    return c.body(stream, 200, {
      "Content-Type": "application/gzip",
      "Content-Length": String(found.bytes),
      "Cache-Control": "no-cache",
      ETag: `"${found.sha256}"`,
    });
  });
  return routes;
}

function whyNot(name: string, present: string[]): string {
  const platform = /^opsconductor-agent-([a-z0-9-]+)\.tar\.gz$/.exec(name)?.[1];
  const has = `This controller has the agent for ${present.join(", ") || "no platform"}`;
  const npmPackage = platform === undefined ? undefined : packageFor(platform);
  if (npmPackage === undefined) return `${has}, not ${name}.`;
  return `${has}, not for ${platform}. Add it with "npm install --no-save --force ${npmPackage}@24" in the controller's folder and restart.`;
}
