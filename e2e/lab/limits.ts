// What a host gives a step and no more, kept by its kernel: memory, processes, processor time, the user, and the end of
// everything that a step has started. Needs hosts whose systemd keeps cgroups of version 2. Called by main.ts.
import { stepsOf } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import type { Lab } from "./lab.ts";

const proof = "limits of steps, with cgroups of version 2";
const job = `apiVersion: opsconductor/v1
kind: Job
name: limits
targets: { select: name=lab1 }
steps:
  - id: where
    run: |
      cat /proc/self/cgroup
      for file in memory.max memory.swap.max cpu.max pids.max; do cat /sys/fs/cgroup$(cut -d : -f 3 /proc/self/cgroup)/$file; done
    limits: { memory: 64MiB, cpu: 20%, processes: 30 }
  - id: memory
    run: perl -e '$x = "x" x (200 * 1024 * 1024); print "held all of it\\n"'
    limits: { memory: 64MiB }
    continueOnError: true
  - id: processes
    run: |
      for i in $(seq 40); do sleep 60 & done
      echo all were started
    limits: { processes: 20 }
    continueOnError: true
  - id: cpu
    run: |
      end=$(($(date +%s) + 6))
      while [ $(date +%s) -lt $end ]; do :; done
      times
      cat /sys/fs/cgroup$(cut -d : -f 3 /proc/self/cgroup)/cpu.stat
    limits: { cpu: 20% }
  - { id: user, run: "id -un; echo $HOME", runAs: www-data }
`;
/** Leaves its session, its group and its environment: only the cgroup still knows it. */
const escaping = `apiVersion: opsconductor/v1
kind: Job
name: escaping
targets: { select: name=lab1 }
steps:
  - id: stubborn
    timeout: TIMEOUT
    run: |
      env -i setsid sh -c 'trap "" TERM HUP INT; echo $$ > /run/escaped; while :; do sleep 1; done' >/dev/null 2>&1 &
      while :; do sleep 1; done
`;

export async function proveLimits(lab: Lab): Promise<void> {
  const controllers = await lab.hosts.sh("lab1", "cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null || true");
  if (!["cpu", "memory", "pids"].every((name) => controllers.split(" ").includes(name))) {
    lab.notes.push("Limits of steps were not tried: these hosts do not have cgroups of version 2 of their own.");
    return;
  }
  await lab.save(job);
  const { id } = await lab.start("limits");
  await lab.untilOver(id);
  const steps = Object.fromEntries((await stepsOf(lab.api, id)).map((step) => [step.stepId, step]));
  const [cgroup, ...limits] = (await output(lab, id, "where")).trim().split("\n");
  lab.expect(
    proof,
    "the cgroup of a step is in",
    cgroup!.split("/").slice(0, -1).join("/"),
    "0::/system.slice/opsconductor-steps.service",
  );
  lab.expect(proof, "what stands in it", limits, ["67108864", "0", "20000 100000", "30"]);
  const memory = { state: steps.memory!.state, reason: steps.memory!.reason.split(";")[0] };
  lab.expect(proof, "a step that takes more memory", memory, {
    state: "failed",
    reason: "out of memory: it reached its limit of 64MiB",
  });
  lab.expect(
    proof,
    "a step that starts more processes",
    steps.processes!.reason.includes("it reached its limit of 20 processes"),
    true,
  );
  const stat = Object.fromEntries(
    (await output(lab, id, "cpu")).split("\n").map((line) => line.split(" ") as [string, string]),
  );
  const share = (Number(stat.usage_usec) / 1000 / steps.cpu!.tries[0]!.durationMs!) * 100;
  lab.figures["processor time of a step limited to 20 %, %"] = share.toFixed(1);
  lab.expect(proof, "a step limited to 20 % of a processor took less than 25 %", share < 25, true);
  lab.expect(proof, "was held back", Number(stat.nr_throttled) > 0, true);
  lab.expect(proof, "as another user", (await output(lab, id, "user")).split("\n")[0], "www-data");
  await endsAll(lab, "its timeout", "5s", async () => {});
  await endsAll(lab, "cancel", "10m", (execution) => lab.api.post(`/api/v1/executions/${execution}/cancel`, {}));
  await surviveTheAgent(lab);
  await restarts(lab);
  lab.expect(
    proof,
    "cgroups of steps that are left",
    await lab.hosts.sh("lab1", "ls /sys/fs/cgroup/system.slice/opsconductor-steps.service | grep -c ^try- || true"),
    "0",
  );
}

/** The unit of the steps ends with the host: it must not hold the restart up that one of them has asked for. */
async function restarts(lab: Lab): Promise<void> {
  await lab.save(`apiVersion: opsconductor/v1
kind: Job
name: restarting
targets: { select: name=lab1 }
steps:
  - { id: restart, uses: reboot }
  - { id: after, run: cat /proc/sys/kernel/random/boot_id }
`);
  const before = await lab.hosts.sh("lab1", "cat /proc/sys/kernel/random/boot_id");
  const began = performance.now();
  const { id } = await lab.start("restarting");
  await waitFor("lab1 to go down", async () => !(await lab.hosts.isUp("lab1")), { timeoutMs: 240_000, everyMs: 200 });
  const seconds = (performance.now() - began) / 1000;
  lab.figures["from the start of a restart until the host is down, s"] = seconds.toFixed(1);
  lab.expect(proof, "a restart asked for by a step takes less than a minute to go down", seconds < 60, true);
  lab.expect(proof, "outcome of the restart", (await lab.untilOver(id)).state, "succeeded");
  lab.expect(proof, "it was another boot of the kernel", (await output(lab, id, "after")).trim() !== before, true);
}

async function endsAll(lab: Lab, by: string, timeout: string, end: (id: string) => Promise<unknown>): Promise<void> {
  await lab.save(escaping.replace("TIMEOUT", timeout).replace("name: escaping", `name: escaping-${timeout}`));
  await lab.hosts.sh("lab1", "rm -f /run/escaped");
  const { id } = await lab.start(`escaping-${timeout}`);
  const pid = await waitFor(
    "the process to have left",
    () => lab.hosts.sh("lab1", "cat /run/escaped 2>/dev/null || true"),
    { timeoutMs: 60_000, everyMs: 200 },
  );
  await end(id);
  const { state } = await lab.untilOver(id);
  const alive = await lab.hosts.sh("lab1", `kill -0 ${pid} 2>/dev/null && echo alive || echo gone`);
  const told = { state, escaped: alive };
  lab.expect(proof, `a process that left session, group and environment, after ${by}`, told, {
    state: by === "cancel" ? "cancelled" : "timed_out",
    escaped: "gone",
  });
}

/** Its unit is started anew beside a step whose limits go on. */
async function surviveTheAgent(lab: Lab): Promise<void> {
  await lab.save(`apiVersion: opsconductor/v1
kind: Job
name: outliving
targets: { select: name=lab1 }
steps:
  - id: long
    limits: { memory: 64MiB, processes: 20 }
    run: |
      echo $$ > /run/outliving
      until [ -e /run/outliving.go ]; do sleep 0.2; done
      cat /sys/fs/cgroup$(cut -d : -f 3 /proc/self/cgroup)/memory.max
`);
  const { id } = await lab.start("outliving");
  await waitFor("the step to run", () => lab.hosts.sh("lab1", "cat /run/outliving 2>/dev/null || true"), {
    timeoutMs: 60_000,
    everyMs: 200,
  });
  await lab.hosts.sh("lab1", "systemctl kill --kill-who=main -s KILL opsconductor-agent");
  await waitFor(
    "the agent to be back",
    async () => (await lab.hosts.sh("lab1", "systemctl is-active opsconductor-agent || true")) === "active",
    { timeoutMs: 60_000, everyMs: 500 },
  );
  await lab.hosts.sh("lab1", "touch /run/outliving.go");
  lab.expect(proof, "a limited step whose agent was killed", (await lab.untilOver(id)).state, "succeeded");
  lab.expect(proof, "its limit afterwards", (await output(lab, id, "long")).trim(), "67108864");
}

const output = async (lab: Lab, id: string, step: string) =>
  Buffer.from(await lab.api.bytes(`/api/v1/executions/${id}/output.txt?target=lab1&step=${step}`)).toString();
