// A real OpenID provider over TLS whose certificate is not good, or that does not know our secret: operators and people are
// told what is wrong, local passwords work, and it mends itself.
import "reflect-metadata";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { X509CertificateGenerator } from "@peculiar/x509";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { exportPrivateKey, generateKeyPair, issueLeaf, issueRoot, privateKeyPem } from "../../fleet/certificates.ts";
import { checkHealth } from "../../health.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import { signedIn, type TestHttp, testHttp } from "../../testing/test-http.ts";
import { ensureBuiltInRoles } from "../built-in-roles.ts";
import { OidcProvider, showProvider } from "./oidc-provider.ts";
import { startProvider, type TestProvider } from "./testing/start-provider.ts";

let t: TestContext;
let http: TestHttp;
let provider: TestProvider;
let authority: string;
let certificate: string;
const trusted = getCACertificates("default");
const expired = { from: new Date("2024-01-01"), to: new Date("2024-02-01") };
const good = { from: new Date(Date.now() - 60_000), to: new Date(Date.now() + 86_400_000) };
let leaf: (valid: typeof good) => Promise<string>;
let selfSigned: { pem: string; key: string };

beforeAll(async () => {
  const root = await issueRoot("CN=An authority of our own", new Date("2100-01-01"), new Date("2020-01-01"));
  authority = root.certificate.toString("pem");
  const keys = await generateKeyPair();
  leaf = async ({ from, to }) => {
    const names = [{ type: "ip" as const, value: "127.0.0.1" }];
    const { publicKey } = keys;
    return (await issueLeaf(root, { publicKey, usage: "server", names, now: from, notAfter: to })).pem;
  };
  const own = await generateKeyPair();
  const self = await X509CertificateGenerator.createSelfSigned({
    ...{ name: "CN=127.0.0.1", notBefore: good.from, notAfter: good.to, keys: own },
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  selfSigned = { pem: self.toString("pem"), key: privateKeyPem(await exportPrivateKey(own.privateKey)) };
  certificate = await leaf(good);
  const key = privateKeyPem(await exportPrivateKey(keys.privateKey));
  const tls = {
    certificate: () => certificate,
    key: () => (certificate === selfSigned.pem ? selfSigned.key : key),
  };
  provider = await startProvider("http://127.0.0.1:3000/api/v1/auth/oidc/callback", tls);
  t = await testContext({
    ...{ oidcIssuer: provider.issuer, oidcClientId: "opsconductor", oidcClientSecret: "a-secret-of-the-tests" },
    ...{ oidcScopes: "openid profile email groups", oidcCreateUsers: true, oidcDefaultRole: "operator" },
  });
  http = testHttp(t.ctx);
  await ensureBuiltInRoles(t.ctx);
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  await provider.stop();
  await t.close();
});

/** As after a start of the controller with these certificates and secret. */
async function startAgain(secret = "a-secret-of-the-tests"): Promise<OidcProvider> {
  const oidc = new OidcProvider({ ...t.ctx.config, oidcIssuer: provider.issuer, oidcClientSecret: secret });
  t.ctx.identity.oidc = oidc;
  t.ctx.metrics.removeSingleMetric("oc_sign_on_provider_up");
  showProvider(t.ctx, oidc);
  await oidc.discover().catch(() => undefined); // what tests read is what it says of it
  return oidc;
}
const health = async () => (await checkHealth(t.ctx.health))["sign-on"];
const isUp = async () => (await t.ctx.metrics.getSingleMetricAsString("oc_sign_on_provider_up")).split(" ").at(-1);
const trust = (pems: string[]) => setDefaultCACertificates([...trusted, ...pems]);
async function begin() {
  const answer = await http.call("GET", "/api/v1/auth/oidc/start?next=/jobs");
  return { url: answer.headers.get("location")!, cookie: answer.cookie! };
}
async function comeBack({ url, cookie }: { url: string; cookie: string }): Promise<string | null> {
  const back = await provider.walk(url, "ann");
  return (await http.call("GET", back.pathname + back.search, undefined, { cookie })).headers.get("location");
}
const claims = { preferred_username: "ann", name: "Ann", groups: [] };

async function serveWith(pem: string): Promise<void> {
  await provider.stop();
  certificate = pem;
  await provider.start();
}

test("a certificate that signed itself, of an unknown authority, or that expired is told as that, and nothing is sent", async () => {
  const local = await signedIn(t.ctx, http, []);
  const cases: [string, string[], string][] = [
    [selfSigned.pem, [], "the certificate of the provider signed itself: .*NODE_EXTRA_CA_CERTS"],
    [
      certificate,
      [],
      "the certificate of the provider is of an authority that is not trusted here.*NODE_EXTRA_CA_CERTS",
    ],
    [await leaf(expired), [authority], "the certificate of the provider has expired: .*the provider needs another one"],
  ];
  for (const [pem, pems, words] of cases) {
    trust(pems);
    await serveWith(pem);
    await startAgain();
    expect(await health()).toEqual({ status: "degraded", detail: expect.stringMatching(words) });
    expect((await begin()).url).toBe("/login?sso=untrusted");
    const signIn = { username: local.username, password: local.password };
    expect((await http.call("POST", "/api/v1/auth/login", signIn)).status).toBe(200);
  }
});

test("with the authority of its certificate people sign in, and one that is exchanged meanwhile is told and mended", async () => {
  trust([authority]);
  await serveWith(await leaf(good));
  const oidc = await startAgain();
  await provider.set("people/ann", claims);
  expect([await health(), await comeBack(await begin())]).toEqual([{ status: "ok" }, "/jobs"]);
  const begun = await begin();
  const back = await provider.walk(begun.url, "ann");
  await serveWith(selfSigned.pem);
  trust([]);
  const answer = await http.call("GET", back.pathname + back.search, undefined, { cookie: begun.cookie });
  expect(answer.headers.get("location")).toBe("/login?sso=untrusted");
  expect([(await health())?.status, oidc.isStale]).toEqual(["degraded", true]);
  trust([authority]);
  await serveWith(await leaf(good));
  await oidc.discover();
  expect(await health()).toEqual({ status: "ok" });
});

test("a client secret that the provider does not take is told in health, in the log and to the person, until it is right", async () => {
  trust([authority]);
  await provider.set("people/ann", claims);
  const oidc = await startAgain("another-secret-of-the-tests");
  expect([await health(), await isUp()]).toEqual([{ status: "ok" }, "1"]); // only a sign-in shows it
  const warn = vi.spyOn(t.ctx.log, "warn");
  expect(await comeBack(await begin())).toBe("/login?sso=client_refused");
  const told = JSON.stringify(warn.mock.calls);
  warn.mockRestore();
  expect(told).toContain("invalid_client");
  expect(told).not.toContain("another-secret");
  const detail = expect.stringMatching(
    /refuses this client \(invalid_client\): correct .*OC_OIDC_CLIENT_SECRET; people/,
  );
  expect([await health(), await isUp()]).toEqual([{ status: "degraded", detail }, "0"]);
  await oidc.discover(); // that it answers is no sign that it takes the secret
  expect((await health())?.status).toBe("degraded");
  // The provider gets to know the secret that we have.
  await provider.set("client-secret", "another-secret-of-the-tests");
  expect(await comeBack(await begin())).toBe("/jobs");
  expect([await health(), await isUp()]).toEqual([{ status: "ok" }, "1"]);
});
