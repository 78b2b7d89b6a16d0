// What the program says to the person who started it, beside its log: where the console is, and the first password.
import { publicUrl } from "./addresses.ts";
import type { Config } from "./config.ts";
import { version } from "./version.ts";

const line = "─".repeat(72);

export function announceReady(config: Config): string {
  const url = publicUrl(config);
  return `\n${line}\n  OpsConductor ${version} is ready\n\n  Console:   ${url}\n  API:       ${url}/docs\n${line}\n\n`;
}

export function announcePassword(username: string, password: string): string {
  return `\n${line}
  The first account was made. This password is shown once and must be
  changed at the first sign-in.

  User name: ${username}
  Password:  ${password}
${line}\n\n`;
}
