import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConfigError, loadConfig, settings } from "./config.ts";
import { isLoopback } from "./is-loopback.ts";

const problems = (env: Record<string, string>) => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join("\n");
    throw error;
  }
  return "";
};

test("an empty environment gives the documented defaults", () => {
  const config = loadConfig({});
  expect(config.httpAddr).toEqual({ host: "127.0.0.1", port: 3000 });
  expect(config.agentAddr).toEqual({ host: "0.0.0.0", port: 3443 });
  expect(config.apiAddr).toEqual({ host: "0.0.0.0", port: 3444 });
  expect(config.localAgent).toBe(false);
  expect(config.dataDir).toMatch(/\/\.data$/);
});

test("an empty value counts as not set", () => {
  expect(loadConfig({ OC_HTTP_ADDR: "", DATABASE_URL: "" }).httpAddr.port).toBe(3000);
});

test("a mistyped OC_ name is refused with the name that was meant", () => {
  expect(problems({ OC_HTTP_ADR: "x" })).toBe("OC_HTTP_ADR is not a setting; did you mean OC_HTTP_ADDR?");
  expect(problems({ OC_COMPLETELY_ELSEWHERE: "x" })).toBe("OC_COMPLETELY_ELSEWHERE is not a setting");
});

test("names that steps are given are tolerated", () => {
  expect(problems({ OC_EXECUTION_ID: "1", OC_STEP_ID: "a", OC_OUTPUT: "/tmp/x" })).toBe("");
});

test("every problem is named at once, with its variable and its value", () => {
  const text = problems({ OC_HTTP_ADDR: "nowhere", LOG_LEVEL: "loud", OC_LOCAL_AGENT: "yes", OC_PUBLIC_URL: "x" });
  expect(text).toContain('OC_HTTP_ADDR must be host:port, for example 127.0.0.1:3000 or [::1]:3000 (it is "nowhere")');
  expect(text).toContain("LOG_LEVEL must be one of fatal, error");
  expect(text).toContain("OC_LOCAL_AGENT must be one of 0, 1, true, false");
  expect(text).toContain("OC_PUBLIC_URL must be an http or https address");
});

test("a wrong secret is named but never shown", () => {
  const text = problems({ ENCRYPTION_KEY: "too-short-secret", OC_ADMIN_PASSWORD: "hunter2" });
  expect(text).toContain("ENCRYPTION_KEY must be 32 bytes");
  expect(text).toContain("OC_ADMIN_PASSWORD must have at least 12 characters");
  expect(text).not.toMatch(/too-short-secret|hunter2/);
});

test("a secret can come from a file, without its last newline", () => {
  const file = join(mkdtempSync(join(tmpdir(), "config-")), "key");
  writeFileSync(file, `${"ab".repeat(32)}\n`);
  expect(loadConfig({ ENCRYPTION_KEY_FILE: file }).encryptionKey).toEqual(Buffer.alloc(32, 0xab));
  expect(problems({ ENCRYPTION_KEY_FILE: `${file}.missing` })).toContain(
    "ENCRYPTION_KEY_FILE names a file that cannot",
  );
  expect(problems({ ENCRYPTION_KEY_FILE: file, ENCRYPTION_KEY: "x" })).toContain("both set");
});

test("a certificate without its key is refused", () => {
  expect(problems({ OC_TLS_CERT_FILE: "a.pem" })).toContain("OC_TLS_KEY_FILE must be set");
});

test("IPv6 addresses and any-address shorthand are understood", () => {
  expect(loadConfig({ OC_HTTP_ADDR: "[::1]:8080" }).httpAddr).toEqual({ host: "::1", port: 8080 });
  expect(loadConfig({ OC_HTTP_ADDR: ":8080" }).httpAddr).toEqual({ host: "0.0.0.0", port: 8080 });
  expect(problems({ OC_HTTP_ADDR: "host:70000" })).toContain("OC_HTTP_ADDR");
});

test("only real loopback addresses count as loopback", () => {
  expect(["127.0.0.1", "127.8.8.8", "::1", "localhost"].filter(isLoopback)).toHaveLength(4);
  expect(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.org", "1270.0.0.1"].filter(isLoopback)).toEqual([]);
});

test("every setting says its variable and what it does", () => {
  for (const s of settings) {
    expect(s.env).toMatch(/^[A-Z][A-Z_]+$/);
    expect(s.description.length).toBeGreaterThan(15);
  }
});

test("sign-on needs an issuer by https and a client, and every mistake is named by its variable", () => {
  const issuer = "https://id.example.com/realms/ops";
  const good = {
    OC_OIDC_ISSUER: issuer,
    OC_OIDC_CLIENT_ID: "x",
    OC_OIDC_ROLES: "cn=ops,dc=a=operator; leads = manager;",
  };
  expect(loadConfig(good).oidcRoles).toEqual([
    { group: "cn=ops,dc=a", role: "operator" },
    { group: "leads", role: "manager" },
  ]);
  expect(problems({ OC_OIDC_ISSUER: issuer })).toBe("OC_OIDC_CLIENT_ID must be set when OC_OIDC_ISSUER is");
  expect(problems({ OC_OIDC_CLIENT_ID: "x" })).toBe("OC_OIDC_ISSUER must be set when OC_OIDC_CLIENT_ID is");
  expect(problems({ ...good, OC_OIDC_ISSUER: "http://id.example.com" })).toContain("OC_OIDC_ISSUER must be https");
  expect(problems({ ...good, OC_OIDC_ISSUER: "id.example.com" })).toContain("OC_OIDC_ISSUER must be the address");
  expect(problems({ ...good, OC_OIDC_SCOPES: "profile" })).toContain("OC_OIDC_SCOPES must contain openid");
  expect(problems({ ...good, OC_OIDC_ROLES: "ops" })).toContain("OC_OIDC_ROLES must be group=role");
  expect(problems({ ...good, OC_OIDC_ROLES: "", OC_OIDC_CREATE_USERS: "1" })).toContain("OC_OIDC_DEFAULT_ROLE");
  expect(problems({ ...good, OC_OIDC_CLIENT_SECRET_FILE: "/nowhere" })).toContain("OC_OIDC_CLIENT_SECRET_FILE names");
});
