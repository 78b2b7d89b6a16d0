// A real Chromium for the browser tests, and pages that remember what went wrong in them. Called by the tests beside it.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** scripts/test.mjs sets it to where it found one. */
const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

export async function launchChromium(): Promise<Browser> {
  if (!existsSync(executablePath))
    throw new Error(`There is no Chromium at ${executablePath}: install it, or set CHROMIUM_PATH.`);
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"],
  });
}

export interface Trouble {
  /** Reports of the content security policy. */
  policy: string[];
  /** Uncaught errors and console.error. */
  errors: string[];
}

export interface WatchedContext {
  context: BrowserContext;
  trouble: Trouble;
}

/** A fresh profile whose pages carry axe and note every report of the content security policy. */
export async function newContext(browser: Browser, baseURL: string): Promise<WatchedContext> {
  const context = await browser.newContext({
    baseURL,
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const trouble: Trouble = { policy: [], errors: [] };
  await context.exposeBinding("reportPolicy", (_, text: string) => void trouble.policy.push(text));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const where = `${event.sourceFile}:${event.lineNumber}`;
      const report = (globalThis as unknown as { reportPolicy(text: string): void }).reportPolicy;
      report(`${event.violatedDirective} blocked ${event.blockedURI} at ${where} ${event.sample}`);
    });
  });
  // As an init script it runs outside of the page's policy, which would rightly refuse it.
  await context.addInitScript(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  context.on("page", (page) => watch(page, trouble));
  return { context, trouble };
}

function watch(page: Page, trouble: Trouble): void {
  page.on("pageerror", (error) => trouble.errors.push(`${page.url()}: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    // The browser's own words for an answer that is not 2xx; what pages make of it is tested where it matters.
    if (message.type() !== "error" || message.text().startsWith("Failed to load resource")) return;
    trouble.errors.push(`${page.url()}: ${message.text()}`);
  });
}
