// npm run bench -- rollout: one job on 1,000 connected simulated agents with a canary, batches of 20 % and a failure budget,
// over the real wire. Ends with 1 unless exactly the right hosts were given work, as the hosts themselves count it.
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute, untilState } from "../../e2e/devstack/story.ts";
import { optionOf, print } from "./figures.ts";
import { type SimulatedFleet, startFleet } from "./simulated-fleet.ts";

const password = "bench-of-rollouts";
const count = Number(optionOf("--targets") ?? 1000);
const over = ["succeeded", "partial", "failed"];
/** With these the budget of 3 lasts until the second batch of 20 %: the fourth is its last but one host. */
const failing = [0.05, 0.25, 0.251, 0.399].map((share) => `sim-${String(Math.round(share * count)).padStart(5, "0")}`);

const job = (name: string, maxFailures: number) =>
  `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\ntargets: { select: fleet=sim }\nrollout: { canary: 1, batch: 20%, maxFailures: ${maxFailures} }\nsteps: [{ run: "true" }]\n`;

export async function benchRollout(): Promise<void> {
  const stack = await startDevstack({ adminPassword: password, env: { OC_RATE_LIMIT: "0" } });
  let fleet: SimulatedFleet | undefined;
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const began = performance.now();
    fleet = await startFleet(stack, api, count, "sim", new Set(failing));
    const enrolled = performance.now() - began;
    await createJob(api, job("within", failing.length));
    await createJob(api, job("beyond", failing.length - 1));
    const within = await runs(api, fleet, "within");
    check("within the budget", within.counts, { succeeded: count - failing.length, failed: failing.length });
    check("hosts given work within the budget", within.given, fleet.names);
    const beyond = await runs(api, fleet, "beyond");
    const reached = 1 + 2 * Math.ceil(count / 5);
    check("hosts given work beyond the budget", beyond.given, fleet.names.slice(0, reached));
    const skipped = count - reached;
    check("beyond the budget", beyond.counts, { succeeded: reached - failing.length, failed: failing.length, skipped });
    print("rollout", `${count} agents, canary 1, batches of 20 %, ${failing.length} hosts fail`, [
      {
        name: "all batches, within the budget",
        value: within.ms,
        unit: "ms",
        note: `6 batches, outcome ${within.state}`,
      },
      { name: "cost per target", value: within.ms / count, unit: "ms" },
      { name: "until it stopped, beyond the budget", value: beyond.ms, unit: "ms", note: `outcome ${beyond.state}` },
      { name: "hosts given work then", value: beyond.given.length, unit: "", note: `up to ${beyond.given.at(-1)}` },
      { name: "enrolling and connecting them", value: enrolled, unit: "ms" },
    ]);
  } finally {
    await fleet?.stop();
    await stack.stop();
  }
}

async function runs(api: Api, fleet: SimulatedFleet, name: string) {
  const before = new Map([...fleet.hosts].map(([host, { offers }]) => [host, offers]));
  const began = performance.now();
  const { id } = await execute(api, name);
  const { state, counts } = await untilState(api, id, over, 300_000);
  const ms = performance.now() - began;
  const given = fleet.names.filter((host) => fleet.hosts.get(host)!.offers > before.get(host)!);
  return { ms, state, given, counts: Object.fromEntries(Object.entries(counts).filter(([, value]) => value > 0)) };
}

function check(what: string, seen: unknown, wanted: unknown): void {
  const [was, should] = [seen, wanted].map((value) => JSON.stringify(sorted(value)));
  if (was !== should) throw new Error(`${what}: ${was}, not ${should}`);
}

const sorted = (value: unknown) =>
  Array.isArray(value) ? value : Object.fromEntries(Object.entries(value as object).sort());
