// npm run bench -- authorisation: what rights within scopes add to a list of 1,000 targets. The same list, the same rows,
// asked for by somebody with a role over everything (the floor) and by people with 50 grants, in turns.
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { type Figure, median, percentile, print } from "./figures.ts";

const adminPassword = "bench-password-1";
const userPassword = "bench-of-many-grants-1";
const targetCount = 1000;
const groupCount = 40;
const rounds = 7;
const perRound = 60;

type Scope = { kind: "group"; group: string } | { kind: "selector"; selector: string } | { kind: "job"; job: string };

const range = (length: number) => Array.from({ length }, (_, i) => i);

/** As people give them: groups, labels, a few jobs. Together they reach all targets. */
const usual: Scope[] = [
  ...range(20).map((i): Scope => ({ kind: "group", group: `group-${i}` })),
  ...range(25).map((i): Scope => ({ kind: "selector", selector: `site=site-${i}` })),
  ...range(5).map((i): Scope => ({ kind: "job", job: `job-${i}` })),
];
/** Nothing to merge: each has to be looked at for each target that none before it reached. */
const awkward: Scope[] = range(50).map((i) => ({
  kind: "selector",
  selector: `site=site-${i % 25} and shard=${Math.floor(i / 25)} and not frozen${i} and name~target-*`,
}));

export async function benchAuthorisation(): Promise<void> {
  const stack = await startDevstack({ adminPassword, env: { OC_RATE_LIMIT: "0" } });
  try {
    const admin = await Api.signIn(stack.url, "admin", adminPassword);
    await fill(admin);
    const people = {
      everything: await person(admin, stack.url, "free", ["viewer"], []),
      usual: await person(admin, stack.url, "usual", [], usual),
      awkward: await person(admin, stack.url, "awkward", [], awkward),
    };
    report(await measure(people));
  } finally {
    await stack.stop();
  }
}

/** Half of the targets are reached by their group, all by their label. */
async function fill(admin: Api): Promise<void> {
  for (const i of range(5))
    await admin.request(
      "POST",
      "/api/v1/jobs",
      `apiVersion: opsconductor/v1\nkind: Job\nname: job-${i}\nsteps: [{ run: "true" }]\n`,
    );
  for (const i of range(groupCount))
    await admin.post("/api/v1/groups", { name: `group-${i}`, parent: i < 4 ? null : `group-${i % 4}` });
  for (const start of range(targetCount / 50))
    await Promise.all(range(50).map((i) => addTarget(admin, start * 50 + i)));
  for (const i of range(groupCount)) {
    const add = range(targetCount / groupCount).map((n) => nameOf(n * groupCount + i));
    await admin.post(`/api/v1/groups/group-${i}/targets`, { add });
  }
}

const nameOf = (i: number) => `target-${String(i).padStart(4, "0")}`;

async function addTarget(admin: Api, i: number): Promise<void> {
  const labels = { site: `site-${i % 25}`, shard: String(i % 2), role: `role-${i % 7}`, env: "prod" };
  await admin.post("/api/v1/targets", { name: nameOf(i), labels });
}

async function person(admin: Api, url: string, username: string, roles: string[], scopes: Scope[]): Promise<Api> {
  const { link } = await admin.post<{ link: { token: string } }>("/api/v1/users", { username, roles });
  await admin.request("POST", "/api/v1/auth/password-link", { token: link.token, newPassword: userPassword });
  for (const scope of scopes) await admin.post(`/api/v1/users/${username}/grants`, { role: "viewer", scope });
  return await Api.signIn(url, username, userPassword);
}

type Times = Record<"everything" | "usual" | "awkward", number[]>;

/** Of each round the 95th percentile; in turns, so that a busy moment meets all of them. */
async function measure(people: Record<keyof Times, Api>): Promise<{ p95: Times; p50: Times }> {
  const names = Object.keys(people) as (keyof Times)[];
  const [p95, p50] = [names, names].map((all) => Object.fromEntries(all.map((name) => [name, []])) as unknown as Times);
  for (let round = 0; round <= rounds; round++) {
    const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Times;
    for (let i = 0; i < perRound; i++) for (const name of names) times[name].push(await once(people[name]));
    if (round === 0) continue; // warms up
    for (const name of names) {
      p95![name].push(percentile(times[name], 0.95));
      p50![name].push(median(times[name]));
    }
  }
  return { p95: p95!, p50: p50! };
}

async function once(api: Api): Promise<number> {
  const begin = performance.now();
  const { items } = await api.get<{ items: unknown[] }>(`/api/v1/targets?limit=${targetCount}`);
  const took = performance.now() - begin;
  if (items.length !== targetCount) throw new Error(`The list has ${items.length} of ${targetCount} targets`);
  return took;
}

function report({ p95, p50 }: { p95: Times; p50: Times }): void {
  const added = (times: Times, who: "usual" | "awkward") =>
    median(times[who].map((ms, round) => ms - times.everything[round]!));
  const figures: Figure[] = [
    { name: "floor: a role over everything, p50", value: median(p50.everything), unit: "ms" },
    { name: "floor: a role over everything, p95", value: median(p95.everything), unit: "ms" },
    { name: "50 grants (20 groups, 25 labels, 5 jobs): added to p50", value: added(p50, "usual"), unit: "ms" },
    {
      name: "50 grants (20 groups, 25 labels, 5 jobs): added to p95",
      value: added(p95, "usual"),
      unit: "ms",
      note: "bar 1 ms",
    },
    { name: "50 selectors that share nothing: added to p50", value: added(p50, "awkward"), unit: "ms" },
    { name: "50 selectors that share nothing: added to p95", value: added(p95, "awkward"), unit: "ms" },
  ];
  const what = `GET targets?limit=${targetCount} answering all of them, ${rounds} rounds of ${perRound}, median of the rounds`;
  print("authorisation", what, figures);
}
