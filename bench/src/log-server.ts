// The smallest server that the console's live page can stand on: the built files and one execution with one step whose
// log has as many lines as asked for, and grows when told. For the benchmark of the log viewer only.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const types: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const words = "unpacking resolving fetching verifying compiling linking restarting draining copying".split(" ");

/** A line as package tools print them: five looks, about 170 bytes. */
export function logLine(index: number): string {
  const mixed = Math.imul(index, 2_654_435_761) >>> 0;
  const level = mixed % 97 === 0 ? "\x1b[1;31mERROR\x1b[0m" : "\x1b[32mINFO \x1b[0m";
  const word = words[mixed % words.length];
  const sum = `${mixed.toString(16).padStart(8, "0")}${index.toString(16).padStart(8, "0")}`;
  return `\x1b[90m2026-11-23T09:00:${String(index % 60).padStart(2, "0")}Z\x1b[0m ${level} \x1b[36mpkg/${word}\x1b[0m package \x1b[1mlib${mixed % 4096}\x1b[0m size=${mixed % 90_000}kB sha256=${sum}`;
}

export interface LogServer {
  url: string;
  /** Address of the live page. */
  path: string;
  append(count: number): void;
  stop(): Promise<void>;
}

const at = "2026-11-23T09:00:00.000Z";
const executionId = randomUUID();
const assignmentId = randomUUID();
const targetName = "bench-host";
const tryOne = { attempt: 1, try: 1, state: "started", reason: "", exitCode: null, signal: null, startedAt: at };

export async function startLogServer(build: string, lineCount: number): Promise<LogServer> {
  const lines = Array.from({ length: lineCount }, (_, index) => logLine(index));
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://bench");
    if (url.pathname === "/api/v1/events") return openStream(request, response, streams);
    const answer = url.pathname.startsWith("/api/") ? apiAnswer(url, lines) : undefined;
    if (answer !== undefined) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer));
    } else sendFile(build, url.pathname, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  let eventId = 0;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: `/executions/${executionId}?target=${targetName}&step=work`,
    append(count) {
      for (let i = 0; i < count; i++) lines.push(logLine(lines.length));
      const size = { storedBytes: lines.length * 170, storedLines: lines.length };
      const place = {
        topic: `executions:${executionId}`,
        executionId,
        assignmentId,
        targetName,
        stepId: "work",
        try: 1,
      };
      const event = JSON.stringify({ kind: "output", ...place, ...size });
      for (const stream of streams) stream.write(`id: ${++eventId}\nevent: message\ndata: ${event}\n\n`);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function openStream(request: IncomingMessage, response: ServerResponse, streams: Set<ServerResponse>): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("event: ready\ndata: {}\n\n");
  streams.add(response);
  request.on("close", () => streams.delete(response));
}

function sendFile(build: string, path: string, response: ServerResponse): void {
  const wanted = join(build, path);
  const file = existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(build, "index.html");
  response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
  response.end(readFileSync(file));
}

function apiAnswer(url: URL, lines: readonly string[]): unknown {
  const path = url.pathname.replace("/api/v1/", "");
  const user = {
    id: randomUUID(),
    username: "bench",
    displayName: "Bench",
    email: null,
    roles: [],
    permissions: ["*"],
  };
  if (path === "auth/refresh")
    return { accessToken: "bench", expiresIn: 3600, user: { ...user, mustChangePassword: false, lastSignInAt: at } };
  if (path.endsWith("/assignments")) return { items: [assignment] };
  if (path.endsWith("/steps")) return { items: [step(lines)] };
  if (path.endsWith("/output")) return output(url.searchParams, lines);
  return path.startsWith("executions/") ? execution : { items: [] };
}

function output(query: URLSearchParams, lines: readonly string[]) {
  const asked = Number(query.get("from") ?? 0);
  const from = asked < 0 ? Math.max(0, lines.length + asked) : asked;
  return {
    from,
    lines: lines.slice(from, from + Number(query.get("limit") ?? 1000)),
    totalLines: lines.length,
    storedBytes: lines.length * 170,
    ...{ lastLineOpen: false, complete: false, try: 1, attempt: 1, gaps: [] },
  };
}

function step(lines: readonly string[]) {
  const sizes = { storedBytes: lines.length * 170, storedLines: lines.length, outputBytes: null, outputSha256: null };
  const one = {
    ...tryOne,
    finishedAt: null,
    durationMs: null,
    ...sizes,
    outputVerified: null,
    rawBytes: null,
    gaps: [],
  };
  const names = { assignmentId, targetName, stepId: "work", name: "Work", position: 0 };
  return {
    ...names,
    state: "running",
    reason: "",
    startedAt: at,
    finishedAt: null,
    outputs: null,
    changed: null,
    tries: [one],
  };
}

const assignment = {
  ...{ id: assignmentId, stageId: "main", targetId: randomUUID(), targetName, agentId: randomUUID(), attempt: 1 },
  ...{ state: "running", stateReason: null, unreachable: false, desired: "run", stepStates: ["running"] },
  ...{ offeredAt: at, acceptedAt: at, startedAt: at, finishedAt: null },
};
const stage = { id: "main", position: 0, state: "running", needs: [], startedAt: at, finishedAt: null };
const execution = {
  ...{ id: executionId, number: 1, jobId: randomUUID(), jobName: "bench", jobVersion: 1, state: "running", inputs: {} },
  ...{ reason: "", triggerKind: "user", requestedByName: "bench", targetCount: 1, counts: { running: 1 } },
  ...{ createdAt: at, startedAt: at, finishedAt: null, unreachable: 0, definition: "", definitionSha256: "" },
  ...{ cancelRequestedAt: null, cancelRequestedBy: null, cancelReason: null },
  stages: [{ ...stage, steps: [{ id: "work", name: "Work", kind: "script", bounds: {} }] }],
};
