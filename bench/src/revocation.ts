// npm run bench -- revocation: how long after a session was revoked, or an account disabled, on one controller its live
// stream and its waiting request on another controller of the same database end. Counted from the sending of the request
// that revokes, so the floor, its own answer, is part of each time.
import { randomBytes } from "node:crypto";
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { appConnection, databaseConnection } from "../../e2e/devstack/stack-database.ts";
import { waitFor } from "../../e2e/devstack/wait-for.ts";
import { startSecondController } from "../../e2e/faults/second-controller.ts";
import { type Figure, median, percentile, print } from "./figures.ts";

const adminPassword = "a-password-for-the-faults";
const userPassword = "bench-of-revocation-1";
const rounds = 40;

interface Times {
  answered: number[];
  stream: number[];
  request: number[];
}

export async function benchRevocation(): Promise<void> {
  const env = { OC_RATE_LIMIT: "0", ENCRYPTION_KEY: randomBytes(32).toString("base64") };
  const stack = await startDevstack({ adminPassword, env, localAgent: true });
  try {
    const [app, owner] = [appConnection(stack), databaseConnection(stack)];
    const socket = `${owner.socketDir}/.s.PGSQL.5432`;
    const database = () => ({ socket, appPassword: app.password, ownerPassword: owner.password });
    const second = await startSecondController({ database }, env);
    try {
      const admin = await Api.signIn(stack.url, "admin", adminPassword);
      await prepare(admin, second.stack.url);
      const session = await measure(admin, second.stack.url, revokeSession);
      const account = await measure(admin, second.stack.url, disableAccount);
      report(session, account);
    } finally {
      await second.stop();
    }
  } finally {
    await stack.stop();
  }
}

/** A job that waits for an approval that nobody gives: whoever waits for it waits long. */
async function prepare(admin: Api, url: string): Promise<void> {
  const job = "apiVersion: opsconductor/v1\nkind: Job\nname: waits\napproval: {}\nsteps: [{ run: 'true' }]\n";
  const saved = await admin.request("POST", "/api/v1/jobs", job);
  if (saved.status !== 201) throw new Error(`The job was not saved: ${JSON.stringify(saved.body)}`);
  const isThere = async () => (await admin.get<{ items: unknown[] }>("/api/v1/targets")).items.length > 0;
  await waitFor("the local agent", isThere);
  const user = { username: "leaves", roles: ["operator"] };
  const { link } = await admin.post<{ link: { token: string } }>("/api/v1/users", user);
  await new Api(url).post("/api/v1/auth/password-link", { token: link.token, newPassword: userPassword });
}

async function measure(admin: Api, url: string, revoke: (admin: Api) => Promise<void>): Promise<Times> {
  const times: Times = { answered: [], stream: [], request: [] };
  for (let round = 0; round < rounds; round++) {
    await admin.request("PATCH", "/api/v1/users/leaves", { active: true });
    const user = await Api.signIn(url, "leaves", userPassword);
    const [stream, request] = await Promise.all([openStream(user), openRequest(user, admin)]);
    const began = performance.now();
    const since = (at: number) => at - began;
    const answered = revoke(admin).then(() => performance.now());
    times.answered.push(since(await answered));
    times.stream.push(since(await stream.ended));
    times.request.push(since(await request.ended));
  }
  return times;
}

async function openStream(user: Api) {
  const response = await fetch(`${user.url}/api/v1/events?topics=executions`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  const reader = response.body!.getReader();
  await reader.read(); // it is ready
  return { ended: untilEnd(reader) };
}

async function untilEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<number> {
  for (let done = false; !done; ) ({ done } = await reader.read().catch(() => ({ done: true })));
  return performance.now();
}

/** Resolves when the execution that it waits for exists. */
async function openRequest(user: Api, admin: Api) {
  const count = async () =>
    (await admin.get<{ items: unknown[] }>("/api/v1/executions?limit=1000&job=waits")).items.length;
  const before = await count();
  const body = { targets: { select: "name~*" } };
  const ended = user.request("POST", "/api/v1/jobs/waits/execute?wait=300s", body).then(
    (answer) => {
      throw new Error(`The request was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    },
    () => performance.now(),
  );
  const begun = (async () => {
    while ((await count()) === before);
  })();
  await Promise.race([begun, ended]);
  return { ended };
}

async function revokeSession(admin: Api): Promise<void> {
  const { items } = await admin.get<{ items: { id: string }[] }>("/api/v1/users/leaves/sessions");
  for (const { id } of items) await admin.request("DELETE", `/api/v1/users/leaves/sessions/${id}`);
}

async function disableAccount(admin: Api): Promise<void> {
  const { status } = await admin.request("PATCH", "/api/v1/users/leaves", { active: false });
  if (status !== 200) throw new Error(`The account was not disabled: ${status}`);
}

function report(session: Times, account: Times): void {
  const figures = Object.entries({ "session revoked": session, "account disabled": account }).flatMap(
    ([what, { answered, stream, request }]): Figure[] => [
      { name: `${what}: answered (floor), p50`, value: median(answered), unit: "ms" },
      { name: `${what}: stream ended, p50`, value: median(stream), unit: "ms" },
      { name: `${what}: stream ended, slowest`, value: percentile(stream, 1), unit: "ms", note: "bar 2000 ms" },
      { name: `${what}: request cut, p50`, value: median(request), unit: "ms" },
      { name: `${what}: request cut, slowest`, value: percentile(request, 1), unit: "ms", note: "bar 2000 ms" },
    ],
  );
  print("revocation", `on one controller, its effect on another, ${rounds} times each`, figures);
}
