// Hosts with a network of their own for fault tests: a bridge on this machine, a namespace for each host, and the means
// to cut them off as real networks do: packets vanish, and nobody is told. Needs root on Linux, iproute2 and nftables.
// Called by the partition command.
//
// Everything is named after the process that made it, so that what a killed run left behind is recognised and removed.
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const prefix = "ocf";
const ours = /^ocf(\d+)(?:b|[hv]\d+)$/;

/** What of a host's packets is lost; nftables statements such as `drop`, or nothing. */
export interface Loss {
  fromHost?: string;
  toHost?: string;
}

/** Why this machine cannot have a test network; undefined when it can. */
export function whyNoNetwork(): string | undefined {
  if (process.platform !== "linux") return "network namespaces exist on Linux only";
  if (process.getuid?.() !== 0) return "making network namespaces needs root: run it with sudo";
  const missing = ["ip", "nft", "nsenter", "tc"].filter((name) => !onPath(name));
  return missing.length > 0 ? `${missing.join(", ")} not found: install iproute2, nftables and util-linux` : undefined;
}

function onPath(name: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => folder !== "" && existsSync(`${folder}/${name}`));
}

export class TestNetwork {
  /** This machine, as the hosts see it. */
  readonly gateway: string;
  readonly hosts: number;
  readonly #subnet: string;
  readonly #slowed = new Set<number>();

  private constructor(subnet: string, hosts: number) {
    this.#subnet = subnet;
    this.hosts = hosts;
    this.gateway = `${subnet}.1`;
  }

  static async create(hosts: number): Promise<TestNetwork> {
    const why = whyNoNetwork();
    if (why) throw new Error(`No test network: ${why}`);
    await sweepAbandoned();
    const network = new TestNetwork(await freeSubnet(), hosts);
    try {
      await network.#make();
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  /** The command line before a program that is to run on host `index`. Only its network is the host's. */
  through(index: number): string[] {
    return ["nsenter", `--net=/run/netns/${nameOf("h", index)}`];
  }

  /** Replaces what was lost before. An empty loss heals. */
  async lose(index: number, { fromHost, toHost }: Loss): Promise<void> {
    const table = nameOf("h", index);
    const chain = (hook: string, statement: string | undefined) =>
      statement === undefined
        ? ""
        : `chain ${hook} {\n type filter hook ${hook} device "${nameOf("v", index)}" priority 0\n ${statement}\n}`;
    const fresh = `${chain("ingress", fromHost)}\n${chain("egress", toHost)}`;
    await nft(`table netdev ${table}\ndelete table netdev ${table}\ntable netdev ${table} {\n${fresh}\n}\n`);
  }

  async heal(index: number): Promise<void> {
    await this.lose(index, {});
    if (this.#slowed.delete(index)) for (const end of this.#ends(index)) await qdisc(end, "del", "");
  }

  /** Ports by which the host's connections to `port` leave it, of those that are open. */
  async connectionPorts(index: number, port: number): Promise<number[]> {
    const filter = ["-Htn", "state", "established", `( dport = :${port} )`];
    const { stdout } = await run(...commandOf([...this.through(index), "ss", ...filter]));
    return stdout
      .split("\n")
      .map((line) => Number(/:(\d+)\s+\S+:\d+\s*$/.exec(line)?.[1]))
      .filter((n) => n > 0);
  }

  /** Both ways late and out of order where the kernel has netem; where not, through a link so narrow that it queues. */
  async slow(index: number): Promise<void> {
    for (const end of this.#ends(index))
      await qdisc(end, "replace", "netem delay 300ms 200ms").catch(() =>
        qdisc(end, "replace", "tbf rate 512kbit burst 4kb latency 500ms"),
      );
    this.#slowed.add(index);
  }

  #ends(index: number): LinkEnd[] {
    return [
      { through: [], device: nameOf("v", index) },
      { through: this.through(index), device: "eth0" },
    ];
  }

  async remove(): Promise<void> {
    await removeOf((pid) => pid === process.pid);
  }

  async #make(): Promise<void> {
    const bridge = nameOf("b");
    await ip(`link add ${bridge} type bridge`);
    await ip(`addr add ${this.gateway}/24 dev ${bridge}`);
    await ip(`link set ${bridge} up`);
    for (let index = 0; index < this.hosts; index++) await this.#addHost(bridge, index);
  }

  async #addHost(bridge: string, index: number): Promise<void> {
    const [namespace, link] = [nameOf("h", index), nameOf("v", index)];
    await ip(`netns add ${namespace}`);
    await ip(`link add ${link} type veth peer name eth0 netns ${namespace}`);
    await ip(`link set ${link} master ${bridge} up`);
    await ip(`-n ${namespace} link set lo up`);
    await ip(`-n ${namespace} addr add ${this.#subnet}.${index + 2}/24 dev eth0`);
    await ip(`-n ${namespace} link set eth0 up`);
  }
}

function nameOf(kind: "b" | "h" | "v", index?: number): string {
  return `${prefix}${process.pid}${kind}${index ?? ""}`;
}

async function ip(words: string): Promise<void> {
  await run("ip", words.split(" "));
}

interface LinkEnd {
  through: string[];
  device: string;
}

async function qdisc({ through, device }: LinkEnd, verb: "replace" | "del", discipline: string): Promise<void> {
  await run(
    ...commandOf([...through, "tc", "qdisc", verb, "dev", device, "root", ...discipline.split(" ").filter(Boolean)]),
  );
}

function commandOf([command, ...args]: string[]): [string, string[]] {
  return [command!, args];
}

function nft(rules: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn("nft", ["-f", "-"], { stdio: ["pipe", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  child.once("error", reject);
  child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`nft refused ${rules}: ${errors}`))));
  child.stdin.end(rules);
  return promise;
}

async function freeSubnet(): Promise<string> {
  const { stdout } = await run("ip", ["-o", "-4", "addr"]);
  for (let i = 0; i < 256; i++) {
    const subnet = `10.211.${(process.pid + i) % 256}`;
    if (!stdout.includes(` ${subnet}.`)) return subnet;
  }
  throw new Error("No test network: all of 10.211.0.0/16 is in use here");
}

/** Of runs that were killed before they could tidy up. */
async function sweepAbandoned(): Promise<void> {
  await removeOf((pid) => !existsSync(`/proc/${pid}`));
}

async function removeOf(isMine: (pid: number) => boolean): Promise<void> {
  const mine = (name: string) => {
    const pid = ours.exec(name)?.[1];
    return pid !== undefined && isMine(Number(pid));
  };
  const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  for (const name of namespaces.filter(mine)) await ip(`netns del ${name}`);
  const { stdout: links } = await run("ip", ["-o", "link"]);
  for (const [, name] of links.matchAll(/^\d+: ([^:@]+)/gm)) if (mine(name!)) await ip(`link del ${name}`).catch(gone);
  const { stdout: tables } = await run("nft", ["list", "tables", "netdev"]);
  for (const [, name] of tables.matchAll(/^table netdev (\S+)$/gm))
    if (mine(name!)) await nft(`delete table netdev ${name}`);
}

/** A veth ends with its namespace, sometimes between the listing and the removal. */
function gone(error: Error): void {
  if (!/Cannot find device/.test(error.message)) throw error;
}
