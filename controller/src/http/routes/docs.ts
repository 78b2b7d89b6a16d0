// The API's documentation: /openapi.json, Swagger UI at /docs and ReDoc at /redoc, from packages on this machine.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { OcError } from "@opsconductor/contract/errors";
import { docsPolicy } from "../content-security-policy.ts";
import { openApiDocument } from "../openapi.ts";
import { type Http, newRouter, type Router } from "../router.ts";

const { resolve } = createRequire(import.meta.url);

interface DocsFile {
  type: string;
  path?: string;
  text?: string;
}
/** ReDoc's footer asks another host for a picture, which our policy refuses and an offline network cannot have. */
const foreignLogo = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const noImage = "data:,";
const script = "text/javascript; charset=utf-8";
const files: Record<string, DocsFile> = {
  "docs/swagger-ui.css": { type: "text/css; charset=utf-8", path: "swagger-ui-dist/swagger-ui.css" },
  "docs/swagger-ui-bundle.js": { type: script, path: "swagger-ui-dist/swagger-ui-bundle.js" },
  "docs/start.js": {
    type: script,
    text: `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });`,
  },
  "redoc/redoc.js": { type: script, path: "redoc/bundles/redoc.standalone.js" },
  "redoc/start.js": {
    type: script,
    text: `Redoc.init("/openapi.json", { hideDownloadButton: false }, document.getElementById("docs"));`,
  },
};

const page = (title: string, head: string, scripts: string[]) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">${head}</head>
<body><div id="docs"></div>${scripts.map((src) => `<script src="${src}"></script>`).join("")}</body></html>`;

const swagger = page("OpsConductor API", `<link rel="stylesheet" href="/docs/swagger-ui.css">`, [
  "/docs/swagger-ui-bundle.js",
  "/docs/start.js",
]);
const redoc = page("OpsConductor API reference", "", ["/redoc/redoc.js", "/redoc/start.js"]);

/** `app` is complete when the first request comes: the document lists all of its routes. */
export function docsRoutes(app: Router): Router {
  let document: ReturnType<typeof openApiDocument> | undefined;
  const routes = newRouter();
  routes.get("/openapi.json", (c) => {
    document ??= openApiDocument(app);
    return c.json(document);
  });
  routes.get("/docs", (c) => html(c, swagger));
  routes.get("/redoc", (c) => html(c, redoc));
  routes.get("/docs/:file", (c) => file(c, `docs/${c.req.param("file")}`));
  routes.get("/redoc/:file", (c) => file(c, `redoc/${c.req.param("file")}`));
  return routes;
}

function html(c: Http, text: string): Response {
  c.header("Content-Security-Policy", docsPolicy);
  return c.html(text);
}

function file(c: Http, name: string): Response {
  const found = Object.hasOwn(files, name) ? files[name] : undefined;
  if (!found) throw new OcError("not_found", `There is no file ${name}.`);
  c.header("Content-Type", found.type);
  c.header("Cache-Control", "public, max-age=3600");
  if (!found.path) return c.body(found.text!);
  const text = readFileSync(resolve(found.path), "utf8");
  return c.body(text.replaceAll(foreignLogo, noImage));
}
