// Actions that reach other machines from the agent that runs them: databases, and hosts that cannot have an agent. Part
// of the catalogue; implemented in agent/src/actions. Pure.
import "../../zod-without-eval.ts";
import * as z from "zod";
import { absolutePath, actionSpec, credential, duration, hostName, port } from "./action-spec.ts";

const hour = 3_600_000;
const timeout = duration(24 * hour, "at most 1d");
const changes = z
  .boolean()
  .default(true)
  .describe("Whether it changes something: then it is only announced in check mode, and the step counts as changed.");

/** What the exit code says, of a system whose codes lie between these. */
const exitCodes = (least: number, most: number) => ({
  expectCodes: z
    .array(z.int().min(least).max(most))
    .min(1)
    .max(50)
    .default([0])
    .describe("Exit codes that are a success."),
  changes,
  changedCodes: z
    .array(z.int().min(least).max(most))
    .max(50)
    .optional()
    .describe("Exit codes that say that something was changed; others of expectCodes then say that nothing was."),
});
const text = z.string().max(1024 * 1024);

/** Text that XML can carry. */
const canBeSent = (value: string) => !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(value);

const sshTarget = {
  host: hostName.describe("The machine."),
  port: port.default(22).describe("Its port."),
  credential: credential.describe(
    "Credential with username and password or privateKey; knownHosts too, where it has them.",
  ),
  hostKey: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, "must be a fingerprint like SHA256:… (ssh-keygen -lf)")
    .optional()
    .describe("Fingerprint of its key. Else the credential's knownHosts must know it: an unknown machine is refused."),
  connectTimeout: timeout.default("20s").describe("Longest time until it is connected."),
};

export const remoteActions = {
  sql: actionSpec({
    summary: "Runs a statement on PostgreSQL or MySQL and checks or returns its rows.",
    notes:
      "Values are bound by the database's own protocol: $1, $2 … in PostgreSQL, ? in MySQL. One statement a step. With expectRows, and always in MySQL, it runs in a transaction: what takes too long, gives other rows than expected or loses its connection is undone, except for what MySQL commits by itself (create, alter, drop). When nobody knows whether it was done, the step says so. Bytes come back in base64.",
    parameters: z.strictObject({
      engine: z.enum(["postgresql", "mysql"]).describe("Which database."),
      host: z
        .union([hostName, absolutePath])
        .default("127.0.0.1")
        .describe("Its host, or its socket: the folder of it (PostgreSQL) or the file (MySQL)."),
      port: port.optional().describe("Its port; 5432 or 3306 unless told."),
      database: z.string().min(1).max(200).describe("Name of the database."),
      credential: credential
        .optional()
        .describe("Credential with username and password; else the agent's own user without one."),
      tls: z
        .enum(["off", "on", "unverified"])
        .default("off")
        .describe(
          "on: the server's certificate must be for this host, and signed by an authority that Node knows or by certificateAuthority of the credential.",
        ),
      query: text.min(1).describe("The statement."),
      params: z
        .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
        .max(1000)
        .default([])
        .describe("Values for its places, in order."),
      changes,
      expectRows: z.int().min(0).optional().describe("How many rows it must give or change; else the step fails."),
      timeout: timeout.default("5m").describe("Longest time of the statement."),
    }),
    code: ["query"],
    valuesGo: "params",
    outputs: { rows: "the first 100 rows, as JSON", count: "how many rows it gave or changed" },
    check: "announces",
    gateway: true,
    example: `- uses: sql
  with:
    engine: postgresql
    database: shop
    credential: shop-db
    query: update orders set state = 'archived' where closed_at < now() - make_interval(days => $1::int)
    params: ["90"]`,
  }),
  ssh: actionSpec({
    summary: "Runs a command on another machine over SSH.",
    notes:
      "Arguments in args are quoted for the shell on the other side and added to the command. The machine's key must be known.",
    parameters: z.strictObject({
      ...sshTarget,
      command: text.min(1).describe("What the shell of the other side runs."),
      args: z
        .array(z.string().max(64 * 1024))
        .max(200)
        .default([])
        .describe("Values, quoted and added to the command."),
      stdin: text.optional().describe("What the command reads."),
      ...exitCodes(0, 255),
      timeout: timeout.default("10m").describe("Longest time of the command."),
    }),
    code: ["command"],
    valuesGo: "args",
    outputs: { code: "the exit code", stdout: "the first 64 KiB of what it wrote" },
    check: "announces",
    gateway: true,
    example: `- uses: ssh
  with: { host: switch-1.example.com, credential: switches, command: show version, changes: false }`,
  }),
  sftp: actionSpec({
    summary: "Copies a file to another machine, or from it, over SFTP.",
    notes: "The file is written beside its place and renamed when it is whole; the same content is not copied again.",
    parameters: z.strictObject({
      ...sshTarget,
      direction: z.enum(["upload", "download"]).describe("upload: from this host to the other machine."),
      local: absolutePath.describe("The file on this host."),
      remote: z.string().min(1).max(4096).describe("The file on the other machine."),
      mode: z
        .string()
        .regex(/^[0-7]{3,4}$/, 'must be octal digits in quotes, like "0644"')
        .optional()
        .describe("Permissions of the new file."),
    }),
    outputs: { sha256: "of the file", bytes: "its size" },
    check: "plans",
    gateway: true,
    example: `- uses: sftp
  with: { direction: upload, host: legacy-1, credential: legacy, local: /srv/firmware.bin, remote: /tmp/firmware.bin }`,
  }),
  winrm: actionSpec({
    summary: "Runs a PowerShell script or a command on a machine with Windows, over its remote management (WinRM).",
    notes:
      "Always over TLS, and the machine's certificate must be trusted: by the host's own authorities, by certificateAuthority in the credential, or by its fingerprint. Values in env are the script's environment ($env:NAME). An error that the script does not catch ends it with 1.",
    parameters: z
      .strictObject({
        host: hostName.describe("The machine."),
        port: port.default(5986).describe("Its port."),
        credential: credential.describe(
          "Credential with username (user, DOMAIN\\user or user@domain) and password; certificateAuthority too, where it has one.",
        ),
        auth: z
          .enum(["ntlm", "basic"])
          .default("ntlm")
          .describe("How it signs in. basic: local users, where it is allowed."),
        certificateFingerprint: z
          .string()
          .regex(/^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, "must be a SHA-256 fingerprint: 64 hexadecimal digits")
          .optional()
          .describe("SHA-256 fingerprint of its certificate, for one that nobody signed."),
        connectTimeout: timeout.default("20s").describe("Longest time until it is connected."),
        shell: z
          .enum(["powershell", "cmd"])
          .default("powershell")
          .describe("What runs the script; cmd takes one line."),
        script: text.min(1).describe("What it runs."),
        env: z
          .record(
            z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "an environment name has letters, digits and _"),
            z.string().max(32_000).refine(canBeSent, "must have no control characters but tabs and line breaks"),
          )
          .default({})
          .describe("Environment of the script: where values go."),
        ...exitCodes(-2147483648, 4294967295),
        timeout: timeout.default("10m").describe("Longest time of the script."),
      })
      .refine(({ shell, script }) => shell !== "cmd" || (!/[\r\n]/.test(script) && canBeSent(script)), {
        message: "cmd takes one line",
        path: ["script"],
      }),
    code: ["script"],
    valuesGo: "env",
    outputs: {
      code: "the exit code",
      stdout: "the first 64 KiB of what it wrote",
      stderr: "the first 64 KiB of its errors, as text",
    },
    check: "announces",
    gateway: true,
    example: `- uses: winrm
  with:
    host: win-7.example.com
    credential: windows
    script: |
      Get-Service -Name $env:SERVICE | Restart-Service
    env: { SERVICE: Spooler }`,
  }),
  snmp: actionSpec({
    summary: "Reads values of a device over SNMP (version 2c or 3).",
    parameters: z.strictObject({
      host: hostName.describe("The device."),
      port: port.default(161).describe("Its port."),
      version: z.enum(["2c", "3"]).default("2c").describe("Version of the protocol."),
      credential: credential.describe(
        "2c: community. 3: username, authProtocol and authKey, privProtocol and privKey.",
      ),
      get: z
        .record(
          z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, "a name has letters, digits, _ and -"),
          z.string().regex(/^\.?[0-9]+(\.[0-9]+)+$/, "must be an object identifier like 1.3.6.1.2.1.1.3.0"),
        )
        .refine(
          (values) => Object.keys(values).length > 0 && Object.keys(values).length <= 60,
          "between 1 and 60 values",
        )
        .describe("Objects to read, by the name of their output."),
      expect: z.record(z.string(), z.string()).default({}).describe("Values that must be so; else the step fails."),
      timeout: timeout.default("5s").describe("Longest wait for an answer; it is asked three times."),
    }),
    outputs: { "‹name›": "the value, for each name in get" },
    check: "looks",
    gateway: true,
    example: `- uses: snmp
  with: { host: ups-1, credential: ups, get: { uptime: 1.3.6.1.2.1.1.3.0, name: 1.3.6.1.2.1.1.5.0 } }`,
  }),
} as const;
