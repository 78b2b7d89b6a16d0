// Starts openid-provider.mjs for the browser tests, and changes its people.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface OpenIdProvider {
  issuer: string;
  setPerson(name: string, claims: Record<string, unknown>): Promise<void>;
  /** Where it may send browsers back: known only when the controller has its port. */
  setRedirect(uri: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startOpenIdProvider(port: number): Promise<OpenIdProvider> {
  const issuer = `http://127.0.0.1:${port}`;
  const env = { ...process.env, REDIRECT_URIS: "http://127.0.0.1/nowhere" };
  const program = join(import.meta.dirname, "openid-provider.mjs");
  const child: ChildProcess = spawn(process.execPath, [program, String(port)], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout!, "data");
  const put = async (what: string, body: unknown) => {
    const answer = await fetch(`${issuer}/test/${what}`, { method: "PUT", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`The provider answered ${answer.status}`);
  };
  return {
    issuer,
    setPerson: (name, claims) => put(`people/${encodeURIComponent(name)}`, claims),
    setRedirect: (uri) => put("redirect-uris", [uri]),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
