// The web console: static files of its build, with index.html for every page of it. Mounted last.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Config } from "../config.ts";
import { consolePolicy } from "./content-security-policy.ts";
import { type Http, type HttpEnv, newRouter, type Router } from "./router.ts";

const besideTheProgram = fileURLToPath(new URL("../../../ui/build", import.meta.url));
const notBuilt = `<!doctype html><html lang="en"><title>OpsConductor</title><h1>The console is not built</h1>
<p>Start the program with <code>npm start</code>, which builds it. The API works: see <a href="/docs">/docs</a>.</p></html>`;

export function consoleRoutes(config: Pick<Config, "consoleDir">): Router {
  const root = config.consoleDir ?? besideTheProgram;
  const page = loadPage(root);
  const routes = newRouter();
  routes.get("/*", (c, next) => (wantsPage(c) ? Promise.resolve(answerPage(c, page)) : next()));
  if (page) {
    const onFound = (_: string, c: Http) => c.header("Cache-Control", cacheControl(c.req.path));
    routes.get("/*", serveStatic<HttpEnv>({ root, precompressed: true, onFound }));
  }
  return routes;
}

/** Read once: a new build comes with a restart, and its script hash must not meet an older page. */
function loadPage(root: string): { html: string; policy: string } | undefined {
  const index = join(root, "index.html");
  if (!existsSync(index)) return undefined;
  const html = readFileSync(index, "utf8");
  return { html, policy: consolePolicy(html) };
}

function answerPage(c: Http, page: { html: string; policy: string } | undefined): Response {
  c.header("Cache-Control", "no-cache");
  c.header("Vary", "Accept");
  c.header("Content-Security-Policy", page?.policy ?? "default-src 'none'; frame-ancestors 'none'");
  return c.html(page?.html ?? notBuilt, page ? 200 : 503);
}

/**
 * A browser opening a page, whatever its path: names in paths may contain dots. Never for the build's own files: an old
 * tab that asks for a module of an earlier build must get a 404, not HTML.
 */
function wantsPage(c: Http): boolean {
  const { path } = c.req;
  if (path === "/" || path === "/index.html") return true;
  if (path.startsWith("/_app/") || path.startsWith("/api/")) return false;
  return c.req.header("accept")?.includes("text/html") === true;
}

/** Files below immutable/ carry their hash in the name. */
function cacheControl(path: string): string {
  return path.startsWith("/_app/immutable/") ? "public, max-age=31536000, immutable" : "no-cache";
}
