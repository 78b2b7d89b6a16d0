// Content security policies of our HTML. The console's runs no inline script but the ones its own build put into
// index.html, named by their hashes, and writes to no HTML sink (trusted types). Pure.
import { createHash } from "node:crypto";

/** `index.html` of the console's build. */
export function consolePolicy(html: string): string {
  const scripts = ["'self'", ...inlineScriptHashes(html)].join(" ");
  return [
    "default-src 'none'",
    `script-src ${scripts}`,
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'", // measured widths and heights of virtual rows
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types svelte-trusted-html svelte",
  ].join("; ");
}

/** Swagger UI and ReDoc write style elements, and ReDoc searches in a worker made of a blob. */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

function inlineScriptHashes(html: string): string[] {
  const inline = html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g);
  return [...inline].map(([, text]) => `'sha256-${createHash("sha256").update(text!).digest("base64")}'`);
}
