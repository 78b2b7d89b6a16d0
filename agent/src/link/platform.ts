// What this machine is, for hello and enrolment: four words, no probing.
import { readFileSync } from "node:fs";
import os from "node:os";
import type { Platform } from "@opsconductor/proto/opsconductor/agent/v1/agent";

export function thisPlatform(): Platform {
  return { os: process.platform, arch: process.arch, hostname: os.hostname(), osName: osName() };
}

function osName(): string {
  if (process.platform !== "linux") return `${os.type()} ${os.release()}`;
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  } catch {
    return "Linux"; // a minimal image without that file
  }
}
