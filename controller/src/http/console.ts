// The web console: index.html for every page of it, and the files of its build.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Config } from "../config.ts";
import { consolePolicy } from "./content-security-policy.ts";
import { type Http, type HttpEnv, newRouter, type Router } from "./router.ts";

type ConsoleConfig = Pick<Config, "consoleDir">;
const besideTheProgram = fileURLToPath(new URL("../../../ui/build", import.meta.url));
/** An old tab that asks for a module of an earlier build must get a 404, not HTML. */
const neverPages = /^\/(_app|api)\//;
const originalPaths = /^\/(targets|jobs|executions)(\/|$)/;
const notBuilt = `<!doctype html><html lang="en"><title>OpsConductor</title><h1>The console is not built</h1>
<p>Start the program with <code>npm start</code>, which builds it. The API works: see <a href="/docs">/docs</a>.</p></html>`;

const rootOf = (config: ConsoleConfig) => config.consoleDir ?? besideTheProgram;

/**
 * Every page of the console is its index.html. Comes before the routes and asks for nothing: some pages have the path of
 * a resource at the original's root paths (`/jobs`), where `Accept` decides who is meant.
 */
export function consolePages(config: ConsoleConfig): MiddlewareHandler<HttpEnv> {
  const page = loadPage(rootOf(config));
  return async (c, next) => {
    if (isPage(c)) return answerPage(c, page);
    await next();
    if (originalPaths.test(c.req.path)) c.header("Vary", "Accept", { append: true });
  };
}

/** Mounted last: its `/*` takes what no other route did. */
export function consoleFiles(config: ConsoleConfig): Router {
  const root = rootOf(config);
  const routes = newRouter();
  const onFound = (_: string, c: Http) => c.header("Cache-Control", cacheControl(c.req.path));
  if (existsSync(root)) routes.get("/*", serveStatic<HttpEnv>({ root, precompressed: true, onFound }));
  else routes.get("/*", (_, next) => next());
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

/** A browser that opens something which is no other route's: names in a page's path may contain dots. */
function isPage(c: Http): boolean {
  const { path, method } = c.req;
  if (method !== "GET" && method !== "HEAD") return false;
  const route = matchedRoutes(c).find((r) => r.method !== "ALL")?.path ?? "/*";
  if (path === "/" || path === "/index.html") return true;
  const free = route === "/*" && !neverPages.test(path);
  return (free || originalPaths.test(route)) && c.req.header("accept")?.includes("text/html") === true;
}

/** Files below immutable/ carry their hash in the name. */
function cacheControl(path: string): string {
  return path.startsWith("/_app/immutable/") ? "public, max-age=31536000, immutable" : "no-cache";
}
