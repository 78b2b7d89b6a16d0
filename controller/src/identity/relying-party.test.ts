import { expect, test } from "vitest";
import { loadConfig } from "../config.ts";
import { relyingParty } from "./relying-party.ts";

const at = (url: string | undefined) => relyingParty({ ...loadConfig({}), publicUrl: url });

test("passkeys are bound to the name of the public address, and to its scheme and port", () => {
  expect(at("https://ops.example.org")).toEqual({ id: "ops.example.org", origin: "https://ops.example.org" });
  expect(at("https://ops.example.org:8443")).toEqual({ id: "ops.example.org", origin: "https://ops.example.org:8443" });
});

test("on this machine alone they are bound to localhost", () => {
  for (const url of [undefined, "http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"])
    expect(at(url)).toEqual({ id: "localhost", origin: "http://localhost:3000" });
});

test("where a browser makes none, the refusal says what to set", () => {
  for (const url of ["https://192.0.2.7", "http://ops.example.org", "https://[2001:db8::1]:3000"])
    expect(() => at(url)).toThrow("OC_PUBLIC_URL");
});
