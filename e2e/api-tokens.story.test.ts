// The commands of docs/tokens.md, run as they stand there, and what a program meets that comes with a token.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./devstack/api.ts";
import { type Devstack, repositoryRoot, startDevstack } from "./devstack/devstack.ts";
import { waitFor } from "./devstack/wait-for.ts";

const adminPassword = "a-password-for-programs";
let stack: Devstack;
let admin: Api;
beforeAll(async () => {
  stack = await startDevstack({ adminPassword });
  admin = await Api.signIn(stack.url, "admin", adminPassword);
});
afterAll(async () => {
  await stack?.stop();
});

const commands = [
  ...readFileSync(join(repositoryRoot, "docs/tokens.md"), "utf8").matchAll(/^```sh\n(.*?)^```$/gms),
].map(([, text]) => text!);

const makeToken = async (scopes: string[]) =>
  await admin.post<{ id: string; token: string }>("/api/v1/auth/tokens", { name: "story", scopes });

/** Output of the commands with `jq` in place of what few machines have: our own of twenty lines. */
function run(script: string, token: string) {
  const jq = `jq() { "${process.execPath}" -e '${jqInNode}' -- "$@"; }\n`;
  const env = { PATH: process.env.PATH, URL: stack.url, TOKEN: token };
  return spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", jq + script], { encoding: "utf8", env });
}

/** -r .a and -r ".items[].a" */
const jqInNode = `
  const [, path] = process.argv.slice(1);
  let values = [JSON.parse(require("fs").readFileSync(0, "utf8"))];
  for (const key of path.split(".").slice(1)) {
    values = values.map((value) => value[key.replace("[]", "")]);
    if (key.endsWith("[]")) values = values.flat();
  }
  for (const value of values) console.log(value);`.replaceAll("'", "");

test("the commands of docs/tokens.md work as they stand there", async () => {
  expect(commands.length).toBe(3);
  const { token } = await makeToken(["*"]);
  const outputs = commands.map((script) => run(script, token));
  expect(outputs.map(({ status, stderr }) => [status, stderr])).toEqual(commands.map(() => [0, ""]));
  expect(JSON.parse(outputs[0]!.stdout)).toMatchObject({ username: "admin" });
  const accounts = await admin.get<{ items: object[] }>("/api/v1/service-accounts");
  expect(accounts.items).toMatchObject([{ name: "ci", roles: ["operator"], tokenCount: 1 }]);
  const tokens = await admin.get<{ items: object[] }>("/api/v1/auth/tokens");
  expect(tokens.items[0]).toMatchObject({ name: "tonight only", state: "revoked" });
});

test("the last use of a token is known half a minute later, and survives a restart", async () => {
  const { id, token } = await makeToken(["jobs:read"]);
  await new Api(stack.url, token).get("/api/v1/jobs");
  await stack.stopController(); // writes what it had noted
  await stack.startController();
  admin = await Api.signIn(stack.url, "admin", adminPassword);
  const { items } = await admin.get<{ items: { id: string; lastUsedAt: string; lastUsedAddress: string }[] }>(
    "/api/v1/tokens",
  );
  const used = items.find((item) => item.id === id)!;
  expect([Date.now() - Date.parse(used.lastUsedAt) < 120_000, used.lastUsedAddress]).toEqual([true, "127.0.0.1"]);
});

test("no token is ever in the log, and figures count what became of their requests", async () => {
  const { id, token } = await makeToken(["system:read"]);
  const program = new Api(stack.url, token);
  expect((await program.request("GET", "/api/v1/system")).status).toBe(200);
  expect(await admin.get("/metrics")).toContain('oc_api_token_requests_total{outcome="active"}');
  await admin.request("DELETE", `/api/v1/tokens/${id}`);
  await waitFor("the refusal", async () => (await program.request("GET", "/api/v1/system")).status === 401);
  expect(await admin.get("/metrics")).toContain('oc_api_token_requests_total{outcome="revoked"}');
  await fetch(`${stack.url}/api/v1/system?access_token=${token}`);
  expect(stack.log()).not.toContain(token);
  expect(stack.log()).toContain("api_token.refused");
});
