// The whole configuration as one schema: main.ts parses the environment with it, docs/config.md is generated from it.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { stepVariables } from "@opsconductor/contract/job/step-variables";
import { suggest } from "@opsconductor/contract/job/suggest";
import { z } from "zod";
import { httpSettings } from "./http-settings.ts";
import { flag, type Setting, setting } from "./setting.ts";
import { signOnContradictions, signOnSettings } from "./sign-on-settings.ts";

export interface Address {
  host: string;
  port: number;
}

const address = z.string().transform((text, ctx): Address => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) {
    ctx.addIssue({ code: "custom", message: "must be host:port, for example 127.0.0.1:3000 or [::1]:3000" });
    return z.NEVER;
  }
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
});

const publicAddress = z.string().regex(/^[^\s/]+:\d{1,5}$/, "must be host:port, as agents reach it");
const databaseUrl = z.string().regex(/^postgres(ql)?:\/\//, "must start with postgres:// or postgresql://");

const encryptionKey = z.string().transform((text, ctx) => {
  const hex = /^[0-9a-fA-F]{64}$/.test(text);
  const bytes = Buffer.from(text, hex ? "hex" : "base64");
  if (bytes.length === 32) return bytes;
  ctx.addIssue({
    code: "custom",
    message: "must be 32 bytes as base64 or hex; make one with: openssl rand -base64 32",
  });
  return z.NEVER;
});

export const configSchema = z.object({
  dataDir: setting(
    z
      .string()
      .default("./.data")
      .transform((path) => resolve(path)),
    "OC_DATA_DIR",
    "Folder for everything this controller keeps on disk: the embedded database, generated keys, logs of PostgreSQL.",
  ),
  httpAddr: setting(
    address.prefault("127.0.0.1:3000"),
    "OC_HTTP_ADDR",
    "Where the console and the REST API listen. HTTPS unless the address is loopback.",
  ),
  agentAddr: setting(
    address.prefault("0.0.0.0:3443"),
    "OC_AGENT_ADDR",
    "Where enrolled agents connect (gRPC, client certificate required). `npm start` listens on loopback unless set.",
  ),
  apiAddr: setting(
    address.prefault("0.0.0.0:3444"),
    "OC_API_ADDR",
    "Where agents enrol and programs connect (gRPC, server certificate). `npm start` listens on loopback unless set.",
  ),
  tlsCertFile: setting(
    z.string().optional(),
    "OC_TLS_CERT_FILE",
    "PEM certificate chain for OC_HTTP_ADDR, instead of one from the controller's own authority.",
  ),
  tlsKeyFile: setting(z.string().optional(), "OC_TLS_KEY_FILE", "PEM private key that belongs to OC_TLS_CERT_FILE."),
  publicUrl: setting(
    z
      .url({ protocol: /^https?$/, error: "must be an http or https address" })
      .transform((url) => url.replace(/\/+$/, ""))
      .optional(),
    "OC_PUBLIC_URL",
    "Address of the console as people and hosts reach it. Derived from OC_HTTP_ADDR when not set.",
  ),
  publicAgentAddr: setting(
    publicAddress.optional(),
    "OC_PUBLIC_AGENT_ADDR",
    "host:port that agents are told to connect to. Derived from OC_PUBLIC_URL and OC_AGENT_ADDR when not set.",
  ),
  publicApiAddr: setting(
    publicAddress.optional(),
    "OC_PUBLIC_API_ADDR",
    "host:port that agents are told to enrol at. Derived from OC_PUBLIC_URL and OC_API_ADDR when not set.",
  ),
  adminPassword: setting(
    z.string().min(12, "must have at least 12 characters").optional(),
    "OC_ADMIN_PASSWORD",
    "Password of the administrator at the very first start, instead of a random one that must be changed.",
    true,
  ),
  localAgent: setting(
    flag.prefault("0"),
    "OC_LOCAL_AGENT",
    "1: enrol and run an agent on this machine (`npm start` does).",
  ),
  samples: setting(
    flag.prefault("0"),
    "OC_SAMPLES",
    "1: create the sample jobs at the first start (`npm start` does).",
  ),
  consoleDir: setting(
    z.string().optional(),
    "OC_CONSOLE_DIR",
    "Folder of the built console; the one beside the program (ui/build) when not set.",
  ),
  databaseUrl: setting(
    databaseUrl.optional(),
    "DATABASE_URL",
    "PostgreSQL 18 server that the application uses. Without it an embedded PostgreSQL runs in OC_DATA_DIR.",
    true,
  ),
  databaseOwnerUrl: setting(
    databaseUrl.optional(),
    "DATABASE_OWNER_URL",
    "The same database as the role that owns the tables and migrates. The same as DATABASE_URL when not set.",
    true,
  ),
  encryptionKey: setting(
    encryptionKey.optional(),
    "ENCRYPTION_KEY",
    "32 bytes (base64 or hex) that encrypt keys and secrets in the database. Made at the first start and kept in " +
      "OC_DATA_DIR when not set; several controllers need the same.",
    true,
  ),
  jwtSecretKey: setting(
    z.string().min(32, "must have at least 32 characters").optional(),
    "JWT_SECRET_KEY",
    "Key that signs access tokens. Made at the first start and kept encrypted in the database when not set.",
    true,
  ),
  leaseSeconds: setting(
    z
      .string()
      .regex(/^\d{1,3}$/, "must be a whole number of seconds")
      .transform(Number)
      .refine((seconds) => seconds >= 3 && seconds <= 300, "must be from 3 to 300")
      .prefault("15"),
    "OC_LEASE_SECONDS",
    "How long this controller counts as alive after its last word to the database; after that its agents are shown as " +
      "unreachable until another controller or this one has them again.",
  ),
  lostAfterMs: setting(
    z
      .string()
      .transform((text, ctx) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms >= 60_000) return ms;
        ctx.addIssue({ code: "custom", message: "must be a duration of at least a minute, for example 12h or 7d" });
        return z.NEVER;
      })
      .optional(),
    "OC_LOST_AFTER",
    "Declare work lost when its agent gave no sign for this long, for example 7d. Never when not set: a person decides.",
  ),
  stepUpMinutes: setting(
    z
      .string()
      .regex(/^\d{1,4}$/, "must be a whole number of minutes")
      .transform(Number)
      .refine((minutes) => minutes >= 1 && minutes <= 1440, "must be from 1 to 1440")
      .prefault("10"),
    "OC_STEP_UP_MINUTES",
    "How long after a sign-in or another proof dangerous acts are allowed without a new one.",
  ),
  stepUpTargets: setting(
    z
      .string()
      .regex(/^\d{1,6}$/, "must be a whole number of targets")
      .transform(Number)
      .prefault("50"),
    "OC_STEP_UP_TARGETS",
    "A job on more targets than this counts as a dangerous act.",
  ),
  tokenMaxDays: setting(
    z
      .string()
      .regex(/^\d{1,4}$/, "must be a whole number of days")
      .transform(Number)
      .refine((days) => days >= 1 && days <= 3660, "must be from 1 to 3660")
      .prefault("366"),
    "OC_TOKEN_MAX_DAYS",
    "Longest life of an API token, in days; who names none gets 90, or this when it is less.",
  ),
  tokenNoExpiry: setting(
    flag.prefault("0"),
    "OC_TOKEN_NO_EXPIRY",
    "1: API tokens of service accounts may be made without an end. Those of people always have one.",
  ),
  ...signOnSettings,
  auditDays: setting(
    z
      .string()
      .regex(/^\d{1,5}$/, "must be a whole number of days")
      .transform(Number)
      .refine((days) => days >= 31, "must be at least 31")
      .optional(),
    "OC_AUDIT_DAYS",
    "Remove rows of the audit log that are older than so many days (at least 31). A signed anchor stays, from which the rest " +
      "proves itself. Kept for ever when not set.",
  ),
  logLevel: setting(
    z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
    "LOG_LEVEL",
    "How much is logged.",
  ),
  logFormat: setting(
    z.enum(["json", "pretty"]).optional(),
    "LOG_FORMAT",
    "json, one object a line, or pretty. pretty on a terminal and json elsewhere when not set.",
  ),
  ...httpSettings,
});
export type Config = z.infer<typeof configSchema>;

export const settings = Object.entries(configSchema.shape).map(([key, schema]) => ({
  key: key as keyof Config,
  ...(schema.meta() as unknown as Setting),
}));

/** Every problem of the environment at once; main.ts prints it and exits with code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:
${problems.map((p) => `  ${p}`).join("\n")}`);
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `env` (an empty value counts as not set). Throws `ConfigError`. */
export function loadConfig(env: Environment): Config {
  const problems = unknownNames(env);
  const values: Record<string, string> = {};
  for (const s of settings) {
    const value = readValue(s, env, problems);
    if (value !== undefined) values[s.key] = value;
  }
  const parsed = configSchema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const s = settings.find((s) => s.key === issue.path[0])!;
    problems.push(`${s.env} ${messageOf(issue)}${s.secret ? "" : ` (it is ${JSON.stringify(values[s.key])})`}`);
  }
  if (parsed.data) problems.push(...contradictions(parsed.data));
  if (problems.length > 0) throw new ConfigError(problems);
  return parsed.data!;
}

function readValue(s: Setting, env: Environment, problems: string[]): string | undefined {
  const value = env[s.env] || undefined;
  const file = s.secret ? env[`${s.env}_FILE`] || undefined : undefined;
  if (file === undefined) return value;
  if (value !== undefined) problems.push(`${s.env} and ${s.env}_FILE are both set: keep one`);
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    problems.push(`${s.env}_FILE names a file that cannot be read: ${(cause as Error).message}`);
    return undefined;
  }
}

function unknownNames(env: Environment): string[] {
  const known = settings.flatMap((s) => (s.secret ? [s.env, `${s.env}_FILE`] : [s.env]));
  return Object.keys(env)
    .filter((name) => name.startsWith("OC_") && !known.includes(name) && !isStepVariable(name))
    .map((name) => {
      const near = suggest(name, known);
      return `${name} is not a setting${near ? `; did you mean ${near}?` : ""}`;
    });
}

function messageOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_value" ? `must be one of ${issue.values.join(", ")}` : issue.message;
}

function contradictions(config: Config): string[] {
  const found: string[] = [];
  if (config.tlsCertFile && !config.tlsKeyFile) found.push("OC_TLS_KEY_FILE must be set when OC_TLS_CERT_FILE is");
  if (config.tlsKeyFile && !config.tlsCertFile) found.push("OC_TLS_CERT_FILE must be set when OC_TLS_KEY_FILE is");
  if (config.databaseOwnerUrl && !config.databaseUrl) found.push("DATABASE_URL must be set when DATABASE_OWNER_URL is");
  found.push(...signOnContradictions(config));
  return found;
}

function isStepVariable(name: string): boolean {
  return (stepVariables as readonly string[]).includes(name);
}
