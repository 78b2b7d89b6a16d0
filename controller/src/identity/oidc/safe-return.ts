// The path to which somebody is sent back: of this origin, and a page of the console. Anything else is the start page. Pure.

/** Judged as a browser reads it (WHATWG URL): `//host`, `/\host` and `/<tab>/host` lead elsewhere. */
export function safeReturn(path: string | undefined): string {
  if (!path || path.length > 2000 || !path.startsWith("/") || /[\x00-\x20\\\x7f]/.test(path)) return "/";
  const base = "http://origin.invalid";
  if (!URL.canParse(path, base)) return "/";
  const { origin, pathname, search, hash } = new URL(path, base);
  if (origin !== base || pathname.startsWith("//") || /^\/(api|auth)(\/|$)/.test(pathname)) return "/";
  return pathname + search + hash;
}
