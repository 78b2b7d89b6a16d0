// Patches for real: apt, a second person, a bad host outside and inside the failure budget, restarts in the middle. Called
// by main.ts. The job is the example samples/operations/patch-web-tier.yaml itself.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../devstack/devstack.ts";
import { stepsOf } from "../devstack/story.ts";
import type { Lab } from "./lab.ts";

const example = readFileSync(join(repositoryRoot, "samples/operations/patch-web-tier.yaml"), "utf8");
const inputs = { packages: ["lab-web"], service: "lab-web" };
const setUp = `apiVersion: opsconductor/v1
kind: Job
name: install-web
targets: { select: role=web }
steps:
  - { uses: package, with: { names: [lab-web=1.0] }, timeout: 5m }
  - { uses: wait-for, with: { url: "http://127.0.0.1/" } }
`;

export async function provePatching(lab: Lab): Promise<void> {
  lab.packages.publish("1.0");
  await lab.save(setUp);
  await lab.save(example);
  await lab.save(
    example.replace("name: patch-web-tier", "name: patch-within").replace("maxFailures: 5%", "maxFailures: 1"),
  );
  const { id } = await lab.start("install-web");
  lab.expect("first version", "outcome on three hosts", (await lab.untilOver(id)).state, "succeeded");
  lab.expect("first version", "installed", await versions(lab), same(lab, "1.0"));
  lab.packages.publish("1.1");
  await badCanary(lab);
  await badHostWithinBudget(lab);
  lab.packages.publish("1.2");
  await restartsInTheMiddle(lab);
}

async function badCanary(lab: Lab): Promise<void> {
  const proof = "a failing host beyond the budget";
  await lab.hosts.sh("lab1", "echo 1.1 > /etc/lab-web.breaks");
  const { id, state } = await lab.start("patch-web-tier", { inputs });
  lab.expect("approval by a second person", "state before it", state, "awaiting_approval");
  const { own, targets } = await lab.agree(id);
  lab.expect("approval by a second person", "who asked is answered with", own, 409);
  lab.expect("approval by a second person", "targets shown to the other", targets.toSorted(), lab.hosts.names);
  lab.expect(proof, "outcome", (await lab.untilOver(id)).state, "failed");
  lab.expect(proof, "states", await lab.statesOf(id), { lab1: "failed", lab2: "skipped", lab3: "skipped" });
  lab.expect(proof, "versions on the hosts", await versions(lab), { lab1: "1.1", lab2: "1.0", lab3: "1.0" });
  await lab.hosts.sh("lab1", "rm /etc/lab-web.breaks /etc/lab-web.broken");
}

async function badHostWithinBudget(lab: Lab): Promise<void> {
  const proof = "a failing host within the budget";
  await lab.hosts.sh("lab2", "echo 1.1 > /etc/lab-web.breaks");
  const { id } = await lab.start("patch-within", { inputs });
  await lab.agree(id);
  lab.expect(proof, "outcome", (await lab.untilOver(id)).state, "partial");
  lab.expect(proof, "states", await lab.statesOf(id), { lab1: "succeeded", lab2: "failed", lab3: "succeeded" });
  lab.expect(proof, "versions on the hosts", await versions(lab), same(lab, "1.1"));
  await lab.hosts.sh("lab2", "rm /etc/lab-web.breaks /etc/lab-web.broken");
}

async function restartsInTheMiddle(lab: Lab): Promise<void> {
  const proof = "a restart in the middle of a job";
  const firstProcess = () => eachHost(lab, "cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat");
  for (const host of ["lab1", "lab3"]) await lab.hosts.sh(host, "echo 1.2 > /etc/lab-web.restarts");
  const before = await firstProcess();
  const watching = new AbortController();
  const watch = lab.hosts.restartWhatGoesDown(watching.signal);
  const { id } = await lab.start("patch-web-tier", { inputs });
  await lab.agree(id);
  const began = performance.now();
  const { state } = await lab.untilOver(id).finally(() => watching.abort());
  await watch;
  lab.expect(proof, "outcome", state, "succeeded");
  lab.figures["one host after the other patched, two of them restarted, s"] = Math.round(
    (performance.now() - began) / 1000,
  );
  const steps = (await stepsOf(lab.api, id)).filter((step) => step.stepId === "restart" || step.stepId === "after");
  const told = Object.fromEntries(steps.map((step) => [`${step.targetName} ${step.stepId}`, step.state]));
  lab.expect(proof, "steps", told, {
    ...{ "lab1 restart": "succeeded", "lab2 restart": "skipped", "lab3 restart": "succeeded" },
    ...{ "lab1 after": "succeeded", "lab2 after": "succeeded", "lab3 after": "succeeded" },
  });
  const after = await firstProcess();
  const restarted = lab.hosts.names.filter((host) => before[host] !== after[host]);
  lab.expect(proof, "hosts that really started anew", restarted, ["lab1", "lab3"]);
  lab.expect(proof, "versions on the hosts", await versions(lab), same(lab, "1.2"));
}

const versions = (lab: Lab) => eachHost(lab, "dpkg-query -W -f '${Version}' lab-web");
const same = (lab: Lab, value: string) => Object.fromEntries(lab.hosts.names.map((host) => [host, value]));

async function eachHost(lab: Lab, script: string): Promise<Record<string, string>> {
  const entries = lab.hosts.names.map(async (host) => [host, await lab.hosts.sh(host, script)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
