// How a host joins, and every way in which it must not: tokens that are used, forged, expired, revoked or not for it.
import type { Agent } from "@opsconductor/contract/api/agents";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./devstack/api.ts";
import { type Devstack, startDevstack } from "./devstack/devstack.ts";
import { ExtraAgent } from "./devstack/extra-agent.ts";
import { waitFor } from "./devstack/wait-for.ts";

const password = "a-password-for-stories";
let stack: Devstack;
let api: Api;

beforeAll(async () => {
  stack = await startDevstack({ adminPassword: password });
  api = await Api.signIn(stack.url, "admin", password);
});
afterAll(() => stack?.stop());

interface Token {
  id: string;
  token: string;
  command: string;
}
const newToken = (options: object = {}) => api.post<Token>("/api/v1/enrollment-tokens", options);
const agents = async () => (await api.get<{ items: Agent[] }>("/api/v1/agents")).items;
const agentNamed = async (name: string) => (await agents()).find((agent) => agent.name === name);

test("a host joins once, connects, and the same host asking again is the same agent", async () => {
  const { token } = await newToken({ labels: { env: "story" } });
  const host = new ExtraAgent(stack, "good-host");
  expect(host.enroll(token)).toMatchObject({ code: 0 });
  host.start();
  try {
    const agent = await waitFor("the agent to be online", async () => {
      const found = await agentNamed("good-host");
      return found?.state === "online" && found;
    });
    const { output } = host.command("fingerprint");
    expect(output.trim()).toBe(agent.fingerprint);
    expect(host.command("status")).toMatchObject({ code: 0 });
    expect(host.enroll(token)).toMatchObject({ code: 0, output: expect.stringContaining("already enrolled") });
  } finally {
    await host.stop();
  }
  expect(host.command("status").code).toBe(3);
  await waitFor("the agent to be offline", async () => (await agentNamed("good-host"))?.state === "offline");
});

test("a used token does not let another host in, and shows that it was tried", async () => {
  const { id, token } = await newToken();
  expect(new ExtraAgent(stack, "first-of-two").enroll(token)).toMatchObject({ code: 0 });
  const refused = new ExtraAgent(stack, "second-of-two").enroll(token);
  expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/token/i) });
  expect(await agentNamed("second-of-two")).toBeUndefined();
  const { items } = await api.get<{ items: { id: string; state: string; refusedAt: string | null }[] }>(
    "/api/v1/enrollment-tokens",
  );
  expect(items.find((item) => item.id === id)).toMatchObject({ state: "used", refusedAt: expect.any(String) });
});

test.each([
  ["with another secret", (token: string) => token.replace(/^(oc1\.[^.]+\.)[^.]+/, `$1${"A".repeat(43)}`)],
  ["with another authority's pin", (token: string) => token.replace(/[^.]+$/, "A".repeat(43))],
  ["with an unknown id", (token: string) => token.replace(/^oc1\.[^.]+/, "oc1.0123456789abcdef")],
  ["cut short", (token: string) => token.slice(0, -10)],
  ["that is none", () => "hello"],
])("a token %s is refused in words, and no agent appears", async (_, forge) => {
  const before = (await agents()).length;
  const { token } = await newToken();
  const { code, output } = new ExtraAgent(stack, `forger-${before}`).enroll(forge(token));
  expect(code).toBe(1);
  expect(output).toMatch(/token|authority|controller/i);
  expect(output).not.toMatch(/^\s+at /m);
  expect(await agents()).toHaveLength(before);
});

test("a token that was made for other names, or is revoked or expired, is refused", async () => {
  const named = await newToken({ namePattern: "web-*" });
  expect(new ExtraAgent(stack, "db-1").enroll(named.token).code).toBe(1);

  const revoked = await newToken();
  expect((await api.request("DELETE", `/api/v1/enrollment-tokens/${revoked.id}`)).status).toBeLessThan(300);
  expect(new ExtraAgent(stack, "too-late-1").enroll(revoked.token).code).toBe(1);

  const expired = await newToken({ expiresIn: "1s" });
  await waitFor("the token to expire", async () => {
    const { items } = await api.get<{ items: { id: string; state: string }[] }>("/api/v1/enrollment-tokens");
    return items.find((item) => item.id === expired.id)?.state === "expired";
  });
  expect(new ExtraAgent(stack, "too-late-2").enroll(expired.token).code).toBe(1);
});

test("a revoked agent is cut off at once and told why when it comes back", async () => {
  const { token } = await newToken();
  const host = new ExtraAgent(stack, "stolen-host");
  host.enroll(token);
  host.start();
  try {
    const agent = await waitFor("the agent to be online", async () => {
      const found = await agentNamed("stolen-host");
      return found?.state === "online" && found;
    });
    await api.post(`/api/v1/agents/${agent.id}/revoke`, { reason: "the laptop was stolen" });
    await waitFor("the agent to be gone", async () => (await agentNamed("stolen-host"))?.state !== "online");
    await waitFor("the host to know", () => /revoked/i.test(host.log()));
  } finally {
    await host.stop();
  }
});
