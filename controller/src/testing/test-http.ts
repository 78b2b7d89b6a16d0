// Calls the application as a browser or program would, without a socket: `const http = testHttp(t.ctx)`.

import type { Context } from "../context.ts";
import { createApp } from "../http/app.ts";
import type { Router } from "../http/router.ts";
import { hashPassword } from "../identity/password-hash.ts";
import { insertUser, insertUserRole } from "../identity/user-queries.ts";

export interface TestHttp {
  app: Router;
  /** JSON in; the answer with its parsed body out. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>;
  /** The same application, called from this IP address. */
  from(address: string): TestHttp;
}
export interface TestAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
  body: any;
  /** The refresh cookie as the browser would send it back. */
  cookie: string | undefined;
}

export function testHttp(ctx: Context): TestHttp {
  return callers(createApp(ctx));
}

function callers(app: Router, address?: string): TestHttp {
  const bindings = address === undefined ? undefined : { incoming: { socket: { remoteAddress: address } } };
  return {
    app,
    from: (other) => callers(app, other),
    async call(method, path, body, headers = {}) {
      const json = body === undefined ? {} : { body: JSON.stringify(body) };
      const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
      const response = await app.request(path, { method, headers: { ...type, ...headers }, ...json }, bindings);
      const text = await response.text();
      const isJson = /\/(problem\+)?json\b/.test(response.headers.get("content-type") ?? "");
      const cookie = response.headers.get("set-cookie")?.split(";")[0];
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, cookie };
    },
  };
}

/** A user with a role of exactly these permissions, and headers that carry a fresh access token. */
export async function signedIn(
  ctx: Context,
  http: TestHttp,
  permissions: string[] = ["*"],
  { mustChangePassword = false } = {},
): Promise<{ userId: string; username: string; password: string; headers: { authorization: string }; cookie: string }> {
  const [userId, roleId] = [ctx.newId(), ctx.newId()];
  const username = `user-${userId.slice(-8)}`;
  const password = `quiet river ${userId.slice(0, 8)}`;
  const passwordHash = await hashPassword(password);
  await insertUser(ctx.sql, {
    id: userId,
    username,
    displayName: "",
    passwordHash,
    mustChangePassword,
    now: ctx.now(),
  });
  await ctx.sql`insert into identity.roles (id, name, permissions) values (${roleId}, ${`role-${roleId}`}, ${permissions})`;
  await insertUserRole(ctx.sql, userId, roleId);
  const answer = await http.call("POST", "/api/v1/auth/login", { username, password });
  if (answer.status !== 200) throw new Error(`Nobody could sign in: ${answer.status} ${JSON.stringify(answer.body)}`);
  const headers = { authorization: `Bearer ${answer.body.accessToken}` };
  return { userId, username, password, headers, cookie: answer.cookie! };
}
