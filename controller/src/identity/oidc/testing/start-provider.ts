// Starts the OpenID provider of e2e/devstack for a test, and walks a person through it as a browser would.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../../../e2e/devstack/openid-provider.mjs", import.meta.url));

export interface TestProvider {
  issuer: string;
  /** Answers what the provider says. */
  set(what: string, body?: unknown): Promise<string>;
  /** From the address of an authorization request to the address with which the provider sends the browser back. */
  walk(url: string, name: string, jar?: Map<string, string>): Promise<URL>;
  /** The person signs out at the provider, in the browser with these cookies. */
  signOut(jar: Map<string, string>): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Over TLS with a certificate and its key as PEM. */
export async function startProvider(
  redirectUri: string,
  tls?: { certificate: () => string; key: () => string },
): Promise<TestProvider> {
  const port = await freePort();
  const issuer = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const start = async () => {
    const secure = tls ? { TLS_CERT: tls.certificate(), TLS_KEY: tls.key() } : {};
    const env = { ...process.env, REDIRECT_URIS: redirectUri, ...secure };
    child = spawn(process.execPath, [program, String(port)], { env, stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout!, "data");
  };
  await start();
  return {
    issuer,
    start,
    async stop() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    async set(what, body) {
      const text = body === undefined ? "" : JSON.stringify(body);
      const answer = await fetch(`${issuer}/test/${what}`, { method: "PUT", body: text });
      if (!answer.ok) throw new Error(`The provider answered ${answer.status}`);
      return answer.text();
    },
    walk: (url, name, jar = new Map()) => walk(url, { name, redirectUri, jar }),
    signOut: (jar) => signOut(issuer, jar),
  };
}

async function signOut(issuer: string, jar: Map<string, string>): Promise<void> {
  const asked = await (await visit(new URL("/session/end", issuer), jar, undefined)).text();
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(asked)?.[1];
  if (!xsrf) throw new Error(`The provider does not ask whether to sign out: ${asked}`);
  const answer = await visit(new URL("/session/end/confirm", issuer), jar, `xsrf=${xsrf}&logout=yes`);
  if (answer.status >= 400) throw new Error(`The provider answered ${answer.status}: ${await answer.text()}`);
}

interface Walk {
  name: string;
  redirectUri: string;
  jar: Map<string, string>;
}

async function walk(from: string, { name, redirectUri, jar }: Walk): Promise<URL> {
  let url = new URL(from);
  let body: string | undefined;
  for (let steps = 0; steps < 12; steps++) {
    if (url.href.startsWith(redirectUri)) return url;
    const answer = await visit(url, jar, body);
    body = undefined;
    const location = answer.headers.get("location");
    if (location) url = new URL(location, url);
    else if (url.pathname.startsWith("/interaction/"))
      body = name === "" ? "deny=1" : `name=${encodeURIComponent(name)}`;
    else throw new Error(`The provider answered ${answer.status}: ${await answer.text()}`);
  }
  throw new Error("The provider sends the browser in a circle");
}

async function visit(url: URL, jar: Map<string, string>, body: string | undefined): Promise<Response> {
  const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join("; ");
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await fetch(url, {
    redirect: "manual",
    headers: { cookie, ...(body === undefined ? {} : form) },
    ...(body === undefined ? {} : { method: "POST", body }),
  });
  for (const line of answer.headers.getSetCookie()) {
    const [, key, value] = /^([^=]+)=([^;]*)/.exec(line)!;
    jar.set(key!, value!);
  }
  return answer;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
