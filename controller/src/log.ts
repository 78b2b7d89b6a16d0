// The program's log: one JSON object a line, or readable lines on a terminal. Built once by main.ts.
import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { Config } from "./config.ts";

const secrets = ["password", "currentPassword", "newPassword", "token", "accessToken", "refreshToken", "authorization"];
const redact = secrets.flatMap((name) => [name, `*.${name}`]);

export function createLog(config: Pick<Config, "logLevel" | "logFormat">, stream = process.stdout): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const options = {
    level: config.logLevel,
    redact,
    formatters,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const format = config.logFormat ?? (stream.isTTY ? "pretty" : "json");
  // In process and synchronous: the last lines before a crash are the ones that matter.
  if (format === "json") return pino(options, pino.destination({ fd: stream.fd, sync: true }));
  return pino(options, pretty({ colorize: stream.isTTY, sync: true, destination: stream.fd, ignore: "pid,hostname" }));
}
