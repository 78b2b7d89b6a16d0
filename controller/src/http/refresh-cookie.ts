// The cookie that carries the refresh token: no script can read it and no other site can make the browser send it.
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Http } from "./router.ts";

/** `__Host-` binds the cookie to this host over TLS; browsers refuse that prefix on plain HTTP, where only loopback is. */
const nameFor = (secure: boolean) => (secure ? "__Host-oc_refresh" : "oc_refresh");

export function readRefreshCookie(c: Http, secure: boolean): string | undefined {
  return getCookie(c, nameFor(secure));
}

export function setRefreshCookie(c: Http, secure: boolean, token: string, expires: Date): void {
  setCookie(c, nameFor(secure), token, { path: "/", httpOnly: true, secure, sameSite: "Strict", expires });
}

export function clearRefreshCookie(c: Http, secure: boolean): void {
  deleteCookie(c, nameFor(secure), { path: "/", secure, httpOnly: true, sameSite: "Strict" });
}
