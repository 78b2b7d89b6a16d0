// What the proofs share: a controller of this machine, three hosts with the packaged agent that the installer brought
// them, two people, and what was asserted. Called by main.ts and the proofs.

import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ApprovalDetail } from "@opsconductor/contract/api/approvals";
import type { Assignment } from "@opsconductor/contract/api/executions";
import { Api } from "../devstack/api.ts";
import { type Devstack, startDevstack } from "../devstack/devstack.ts";
import { freePorts } from "../devstack/free-ports.ts";
import { createJob, type ExecuteOptions, execute, untilState } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import type { Violation } from "../faults/evidence.ts";
import { LabHosts } from "./lab-hosts.ts";
import { PackageSource } from "./package-source.ts";

const password = "a-password-for-the-lab";
const over = ["succeeded", "failed", "partial", "cancelled", "timed_out", "skipped"];

export class Lab {
  readonly hosts: LabHosts;
  readonly stack: Devstack;
  readonly packages: PackageSource;
  readonly violations: Violation[] = [];
  readonly rows: (string | number)[][] = [];
  readonly figures: Record<string, number | string> = {};
  readonly notes: string[] = [];
  api!: Api;
  second!: Api;

  private constructor(hosts: LabHosts, stack: Devstack, packages: PackageSource) {
    this.hosts = hosts;
    this.stack = stack;
    this.packages = packages;
  }

  static async begin(program: string, count = 3): Promise<Lab> {
    const hosts = new LabHosts(program, count);
    hosts.begin();
    const [http, agent, api, source, sourceHere] = (await freePorts(5)) as [number, number, number, number, number];
    const { gateway } = hosts;
    const stack = await startDevstack({
      adminPassword: password,
      env: {
        OC_PUBLIC_URL: `http://${gateway}:${http}`,
        OC_PUBLIC_AGENT_ADDR: `${gateway}:${agent}`,
        OC_PUBLIC_API_ADDR: `${gateway}:${api}`,
      },
    });
    const lab = new Lab(hosts, stack, new PackageSource(join(stack.folder, "packages")));
    lab.packages.listen(sourceHere);
    await hosts.forward(http, portOf(stack.url));
    await hosts.forward(agent, portOf(stack.agentAddress));
    await hosts.forward(api, portOf(stack.apiAddress));
    await hosts.forward(source, sourceHere);
    await lab.signIn();
    lab.second = await lab.#secondPerson();
    for (const host of hosts.names) await lab.#prepare(host, `http://${gateway}:${source}/`);
    return lab;
  }

  async end(): Promise<void> {
    this.packages.close();
    this.hosts.end();
    await this.stack.stop();
  }

  /** Anew before each part: a session's token lives for a quarter of an hour. */
  async signIn(): Promise<void> {
    this.api = await Api.signIn(this.stack.url, "admin", password);
  }

  /** One row of the report. A difference is a broken promise. */
  expect(proof: string, what: string, seen: unknown, wanted: unknown): void {
    const same = isDeepStrictEqual(seen, wanted);
    this.rows.push([proof, what, JSON.stringify(seen), same ? "as it must be" : `not ${JSON.stringify(wanted)}`]);
    process.stdout.write(`${same ? "ok" : "WRONG"}  ${proof}: ${what}: ${JSON.stringify(seen)}\n`);
    if (!same) this.violations.push({ invariant: "bar", subject: proof, what: `${what}: ${JSON.stringify(seen)}` });
  }

  /** The line that a person pastes. */
  async install(host: string): Promise<void> {
    const { command } = await this.api.post<{ command: string }>("/api/v1/enrollment-tokens", {
      labels: { role: "web" },
    });
    await this.hosts.sh(host, command);
    await this.untilOnline([host]);
  }

  async untilOnline(names: readonly string[]): Promise<void> {
    const online = async () => {
      const { items } = await this.api.get<{ items: { name: string; state: string }[] }>("/api/v1/agents");
      return names.every((name) => items.some((agent) => agent.name === name && agent.state === "online"));
    };
    await waitFor(`${names.join(", ")} to be online`, online, { timeoutMs: 240_000, everyMs: 200 });
  }

  save = (text: string) => createJob(this.api, text);
  start = (job: string, options: ExecuteOptions = {}) => execute(this.api, job, options);
  untilOver = (id: string) => untilState(this.api, id, over, 300_000);

  /** What the requester's own approval is answered with, and then the second person agrees. */
  async agree(id: string): Promise<{ own: number; targets: string[] }> {
    const detail = await this.second.get<ApprovalDetail>(`/api/v1/approvals/${id}`);
    const decision = { decision: "approve", comment: "looks right", contentSha256: detail.contentSha256 };
    const own = await this.api.request("POST", `/api/v1/approvals/${id}/decide`, decision);
    await this.second.post(`/api/v1/approvals/${id}/decide`, decision);
    return { own: own.status, targets: detail.stages.flatMap((stage) => stage.targets.map((target) => target.name)) };
  }

  async statesOf(id: string): Promise<Record<string, string>> {
    const { items } = await this.api.get<{ items: Assignment[] }>(`/api/v1/executions/${id}/assignments`);
    return Object.fromEntries(items.map((one) => [one.targetName, one.state]).sort());
  }

  async #secondPerson(): Promise<Api> {
    const body = { username: "dana", roles: ["manager"] };
    const { link } = await this.api.post<{ link: { token: string } }>("/api/v1/users", body);
    const chosen = { token: link.token, newPassword: "four-sparrows-at-dusk" };
    await new Api(this.stack.url).post("/api/v1/auth/password-link", chosen);
    return Api.signIn(this.stack.url, "dana", "four-sparrows-at-dusk");
  }

  async #prepare(host: string, source: string): Promise<void> {
    const line = `deb [trusted=yes allow-insecure=yes] ${source} ./`;
    await this.hosts.sh(host, `rm -f /etc/apt/sources.list.d/*; echo '${line}' > /etc/apt/sources.list`);
  }
}

const portOf = (address: string) => Number(address.split(":").at(-1));
