// Restarts that go wrong: a host that stays off, a controller that is killed meanwhile, somebody who cancels, a host that
// refuses. Each host counts its own starts. Called by main.ts.
import type { Assignment, Execution } from "@opsconductor/contract/api/executions";
import { stepsOf, untilState } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import type { Lab } from "./lab.ts";

const counter = `[Unit]
Description=Counts the starts of this host
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo start >> /var/lib/lab-starts; sync /var/lib/lab-starts'
[Install]
WantedBy=multi-user.target
`;
const ledger = (name: string) => `/var/lib/lab-ledger.${name}`;
const job = (name: string, host: string, more = "", seconds = 0) => `apiVersion: opsconductor/v1
kind: Job
name: ${name}
targets: { select: name=${host} }
steps:
  - id: before
    run: echo before >> ${ledger(name)}; sync ${ledger(name)}
  - { id: restart, uses: reboot, retry: { max: 2, delay: 1s }${more} }
  - { id: after, run: sleep ${seconds}; echo after >> ${ledger(name)} }
`;

export async function proveRestarts(lab: Lab): Promise<void> {
  for (const host of lab.hosts.names)
    await lab.hosts.sh(
      host,
      `echo '${counter.replaceAll("'", `'"'"'`)}' > /etc/systemd/system/lab-starts.service
      systemctl daemon-reload; systemctl enable -q lab-starts`,
    );
  await returnsTooLate(lab, "lab1");
  await withoutController(lab, "lab2");
  await cancelledMeanwhile(lab, "lab3");
  await refused(lab, "lab1");
}

async function returnsTooLate(lab: Lab, host: string): Promise<void> {
  const proof = "a host that stays off beyond the limit of its restart";
  const { id, before, back } = await startAndGoDown(lab, job("away", host, ", timeout: 30s"), host);
  await waitFor(
    "the limit to be over, and the host to be missed",
    async () => {
      const { unreachable, startedAt } = await only(lab, id);
      return unreachable && Date.now() - Date.parse(startedAt!) > 45_000;
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
  const { state, unreachable, canAbandon } = await only(lab, id);
  const told = { state, unreachable, canAbandon };
  lab.expect(proof, "target while it is off", told, { state: "running", unreachable: true, canAbandon: true });
  await back();
  lab.expect(proof, "outcome", (await lab.untilOver(id)).state, "timed_out");
  await expectEnd(lab, {
    proof,
    id,
    host,
    before,
    states: { before: "succeeded", restart: "timed_out", after: "skipped" },
  });
  const restart = (await stepsOf(lab.api, id)).find((step) => step.stepId === "restart");
  lab.expect(
    proof,
    "what is said of it",
    restart?.reason.replaceAll(/\d+/g, "…"),
    "the host was restarted, and back only after … s: the limit is … s",
  );
}

async function withoutController(lab: Lab, host: string): Promise<void> {
  const proof = "a controller killed while a host restarts";
  const { id, before, back } = await startAndGoDown(lab, job("alone", host), host);
  await lab.stack.killController();
  await back();
  await waitFor(
    "the step after it to be done",
    async () => (await words(lab, host, ledger("alone"))).includes("after"),
    {
      ...{ timeoutMs: 240_000, everyMs: 500 },
    },
  );
  await lab.stack.startController();
  await lab.signIn();
  lab.expect(proof, "outcome", (await lab.untilOver(id)).state, "succeeded");
  await expectEnd(lab, {
    proof,
    id,
    host,
    before,
    states: { before: "succeeded", restart: "succeeded", after: "succeeded" },
  });
}

/** The host goes on by itself, and is told of the cancel as soon as it is back on the line: in the step after. */
async function cancelledMeanwhile(lab: Lab, host: string): Promise<void> {
  const proof = "a restart that is cancelled while the host is off";
  const { id, before, back } = await startAndGoDown(lab, job("cancelled", host, "", 120), host);
  await waitFor("the host to be missed", async () => (await only(lab, id)).unreachable, {
    timeoutMs: 120_000,
    everyMs: 500,
  });
  await lab.api.post(`/api/v1/executions/${id}/cancel`, {});
  const { state, desired } = await only(lab, id);
  lab.expect(proof, "target while it is off", { state, desired }, { state: "running", desired: "cancel" });
  await back();
  lab.expect(
    proof,
    "outcome",
    (await untilState(lab.api, id, ["cancelled", "succeeded", "failed"], 240_000)).state,
    "cancelled",
  );
  await expectEnd(lab, {
    proof,
    id,
    host,
    before,
    states: { before: "succeeded", restart: "succeeded", after: "cancelled" },
  });
}

async function refused(lab: Lab, host: string): Promise<void> {
  const proof = "a host that refuses to restart";
  await lab.hosts.sh(host, "systemctl mask -q reboot.target");
  const [before, { id }] = [await starts(lab, host), await begin(lab, job("refused", host))];
  lab.expect(proof, "outcome", (await lab.untilOver(id)).state, "failed");
  const steps = await stepsOf(lab.api, id);
  const restart = steps.find((step) => step.stepId === "restart");
  lab.expect(proof, "what is said of it", restart?.reason.split(":")[0], "the host refused to restart");
  lab.expect(proof, "how often it was asked", restart?.tries.length, 3);
  // A restart by somebody else, afterwards, makes no success of it.
  await lab.hosts.kill(host);
  await lab.hosts.boot(host);
  await lab.untilOnline([host]);
  lab.expect(proof, "state after another restart", (await only(lab, id)).state, "failed");
  lab.expect(proof, "starts of the host, by that other one", (await starts(lab, host)) - before, 1);
  lab.expect(proof, "on the host's own ledger", await words(lab, host, ledger("refused")), ["before"]);
}

interface GoneDown {
  id: string;
  before: number;
  back: () => Promise<void>;
}

/** `back` powers it on; a machine that starts again by itself is switched off meanwhile. */
async function startAndGoDown(lab: Lab, text: string, host: string): Promise<GoneDown> {
  const before = await starts(lab, host);
  const { id } = await begin(lab, text);
  await waitFor(`${host} to go down`, async () => !(await lab.hosts.isUp(host)), { timeoutMs: 240_000, everyMs: 100 });
  await lab.hosts.switchOff(host);
  const back = async () => {
    await lab.hosts.boot(host);
    await waitFor(`${host} to count its start`, async () => (await starts(lab, host)) > before, {
      timeoutMs: 240_000,
      everyMs: 500,
    });
  };
  return { id, before, back };
}

async function begin(lab: Lab, text: string): Promise<Execution> {
  await lab.signIn();
  const { name } = await lab.save(text);
  return lab.start(name);
}

interface End {
  proof: string;
  id: string;
  host: string;
  /** Starts of the host before the job. */
  before: number;
  states: { before: string; restart: string; after: string };
}

async function expectEnd(lab: Lab, { proof, id, host, before, states }: End): Promise<void> {
  const steps = await stepsOf(lab.api, id);
  lab.expect(proof, "steps", Object.fromEntries(steps.map((step) => [step.stepId, step.state])), states);
  const restart = steps.find((step) => step.stepId === "restart");
  lab.expect(proof, "how often it was asked to restart", restart?.tries.length, 1);
  lab.expect(proof, "how often it has started since", (await starts(lab, host)) - before, 1);
}

const starts = async (lab: Lab, host: string) => (await words(lab, host, "/var/lib/lab-starts")).length;

async function words(lab: Lab, host: string, path: string): Promise<string[]> {
  return (await lab.hosts.sh(host, `cat ${path} 2>/dev/null || true`)).split("\n").filter(Boolean);
}

async function only(lab: Lab, id: string): Promise<Assignment> {
  const { items } = await lab.api.get<{ items: [Assignment] }>(`/api/v1/executions/${id}/assignments`);
  return items[0];
}
