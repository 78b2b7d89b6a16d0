// A network that is cut and a power that is pulled in the middle of a job. Called by main.ts.
import { stepsOf } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import type { Lab } from "./lab.ts";

const ledger = "/var/lib/lab-ledger";
/** Notes its start and its end on the host's own disk, where no code of ours writes, and prints between them. */
const job = (name: string, lines: number, more = "") => `apiVersion: opsconductor/v1
kind: Job
name: ${name}
targets: { select: role=web }
rollout: { maxFailures: 1 }
steps:
  - id: first
    run: echo first >> ${ledger}.${name}
  - id: work
    ${more}
    run: |
      echo start >> ${ledger}.${name}
      sync ${ledger}.${name}
      i=0
      while [ $i -lt ${lines} ]; do i=$((i + 1)); echo "line $i"; sleep 0.1; done
      echo end >> ${ledger}.${name}
`;

export async function proveTroubles(lab: Lab): Promise<void> {
  await cutNetwork(lab);
  await pullPower(lab, "power", "", "lost");
  await pullPower(lab, "power-idempotent", "idempotent: true", "succeeded");
}

async function cutNetwork(lab: Lab): Promise<void> {
  const proof = "a host whose network is cut in the middle";
  const lines = 200;
  await lab.save(job("cut", lines));
  const { id } = await lab.start("cut");
  await untilPrinted(lab, id, "lab2");
  lab.hosts.cut("lab2");
  await waitFor(
    "the others to be done",
    async () => {
      const states = await lab.statesOf(id);
      return states.lab1 === "succeeded" && states.lab3 === "succeeded";
    },
    { timeoutMs: 120_000, everyMs: 200 },
  );
  lab.expect(proof, "states while it is away", await lab.statesOf(id), {
    lab1: "succeeded",
    lab2: "running",
    lab3: "succeeded",
  });
  const told = await noted(lab, "lab2", "cut", "end", 120_000);
  lab.hosts.heal("lab2");
  const healed = performance.now();
  lab.expect(proof, "outcome", (await lab.untilOver(id)).state, "succeeded");
  lab.figures["from the network's return to the outcome, s"] = ((performance.now() - healed) / 1000).toFixed(1);
  lab.expect(proof, "on the host's own ledger", told, ["first", "start", "end"]);
  const wanted = Array.from({ length: lines }, (_, index) => `line ${index + 1}\n`).join("");
  lab.expect(proof, "every byte of its output is stored", (await output(lab, id, "lab2")) === wanted, true);
}

async function pullPower(lab: Lab, name: string, more: string, outcome: "lost" | "succeeded"): Promise<void> {
  const proof = `power pulled in the middle${outcome === "lost" ? "" : " of a step that may be repeated"}`;
  await lab.save(job(name, 100, more));
  const { id } = await lab.start(name);
  await untilPrinted(lab, id, "lab3");
  await lab.hosts.kill("lab3");
  await lab.hosts.boot("lab3");
  const { state } = await lab.untilOver(id);
  lab.expect(proof, "outcome", state, outcome === "lost" ? "partial" : "succeeded");
  lab.expect(proof, "states", await lab.statesOf(id), { lab1: "succeeded", lab2: "succeeded", lab3: outcome });
  const starts = (await noted(lab, "lab3", name)).filter((word) => word === "start").length;
  lab.expect(proof, "times that the step was started there", starts, outcome === "lost" ? 1 : 2);
  lab.expect(
    proof,
    "times that the step before it ran",
    (await noted(lab, "lab3", name)).filter((word) => word === "first").length,
    1,
  );
  if (outcome === "succeeded") return;
  const work = (await stepsOf(lab.api, id)).find((step) => step.targetName === "lab3" && step.stepId === "work");
  lab.expect(proof, "what is said of it", work?.reason.split(":")[0], "nobody knows how it ended");
  const refused = await lab.api.request("POST", `/api/v1/executions/${id}/retry-failed`, {});
  lab.expect(proof, "repeating what was lost without saying so is answered with", refused.status, 409);
  const again = await lab.api.post<{ id: string }>(`/api/v1/executions/${id}/retry-failed`, { repeatLost: true });
  lab.expect(proof, "after a person decided to repeat it", (await lab.untilOver(again.id)).state, "succeeded");
}

async function untilPrinted(lab: Lab, id: string, host: string): Promise<void> {
  const printed = async () => (await output(lab, id, host)).includes("line 3\n");
  await waitFor(`the step to print on ${host}`, printed, { timeoutMs: 120_000, everyMs: 100 });
}

const output = async (lab: Lab, id: string, host: string) =>
  Buffer.from(await lab.api.bytes(`/api/v1/executions/${id}/output.txt?target=${host}&step=work`)).toString();

/** What the host itself has written, once `word` is in it. */
async function noted(lab: Lab, host: string, name: string, word = "start", timeoutMs = 60_000): Promise<string[]> {
  const read = async () => {
    const words = (await lab.hosts.sh(host, `cat ${ledger}.${name}`)).split("\n");
    return words.includes(word) ? words : undefined;
  };
  return waitFor(`${word} in the ledger of ${host}`, read, { timeoutMs, everyMs: 200 });
}
