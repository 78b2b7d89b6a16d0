// A host with real processes and a fake link that acknowledges like a controller, for the tests of the runner.

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { pino } from "pino";
import type { EventBody, Journal } from "../../journal/journal.ts";
import type { DesireMessage, OfferMessage } from "../../link/host.ts";
import { createHost, type HostOptions, type RunningHost } from "../create-host.ts";
import type { HostSettings } from "../host-context.ts";

export type EventOf<K extends EventBody["kind"]> = EventBody & { kind: K };

export class HostBench {
  readonly root = mkdtempSync(join(tmpdir(), "oc-host-"));
  host: RunningHost;
  #fence = 100n;

  constructor(options: Partial<HostOptions> & { settings?: Partial<HostSettings> } = {}) {
    this.#options = options;
    this.host = this.open();
  }
  readonly #options: Partial<HostOptions>;

  open(journal?: Journal): RunningHost {
    this.host = createHost({
      stateFolder: join(this.root, "state"),
      log: pino({ level: process.env.OC_TEST_LOG ?? "silent" }),
      environment: { PATH: process.env.PATH, HOME: this.root },
      policyPath: join(this.root, "policy.yaml"),
      ownerPath: join(this.root, "agent.yaml"),
      ...this.#options,
      ...(journal === undefined ? {} : { journal }),
    });
    return this.host;
  }

  /** As a later life of the agent with other settings. */
  reopenWith(settings: Partial<HostSettings>): RunningHost {
    this.#options.settings = { ...this.#options.settings, ...settings };
    return this.open();
  }

  /** `steps` is YAML below `steps:`; or a whole document. */
  offer(yaml: string, change: Partial<OfferMessage> = {}): OfferMessage {
    this.#fence += 1n;
    const definition = Buffer.from(yaml.startsWith("apiVersion") ? yaml : jobOf(yaml));
    return {
      ...{ assignmentId: `assignment-${this.#fence}`, attempt: 1, fence: this.#fence },
      ...{ executionId: "execution-1", executionNumber: 7n, stageId: "main", definition },
      definitionSha256: createHash("sha256").update(definition).digest(),
      ...{ definitionMediaType: "text/yaml", inputsJson: Buffer.from("{}"), needsOutputsJson: Buffer.from("{}") },
      target: { id: "target-1", name: "web-1", servicesJson: Buffer.from("[]"), secretNames: [] },
      ...{ startBeforeMs: 0, releaseThroughStep: 0xffffffff },
      ...change,
    };
  }

  run(yaml: string, change: Partial<OfferMessage> = {}): bigint {
    const offer = this.offer(yaml, change);
    this.host.receiveOffer(offer, Date.now());
    return offer.fence;
  }

  desire(fence: bigint, want: DesireMessage["want"], change: Partial<DesireMessage> = {}): void {
    const key = { assignmentId: `assignment-${fence}`, attempt: 1 };
    this.host.receiveDesire({ ...key, fence, want, reason: "by a test", releaseThroughStep: 0xffffffff, ...change });
  }

  events(fence: bigint): EventBody[] {
    return this.host.eventsAfter(fence, 0n, 1000).map((event) => event.body);
  }

  eventsOf<K extends EventBody["kind"]>(fence: bigint, kind: K): EventOf<K>[] {
    return this.events(fence).filter((body): body is EventOf<K> => body.kind === kind);
  }

  /** What the controller would hold in the end: final event, steps, and every byte of output. */
  async outcome(fence: bigint): Promise<{ state: string; reason: string }> {
    const last = await until(`the end of ${fence}: ${kinds(this.events(fence))}`, () => {
      const event = this.events(fence).at(-1);
      return event?.kind === "finished" && event;
    });
    return { state: last.state, reason: last.reason };
  }

  states(fence: bigint): Record<string, string> {
    return Object.fromEntries(this.eventsOf(fence, "stepFinished").map((e) => [e.stepId, e.state]));
  }

  outputsOf(fence: bigint, stepId: string): Record<string, string> {
    const step = this.eventsOf(fence, "stepFinished").find((e) => e.stepId === stepId);
    return JSON.parse(Buffer.from(step!.outputsJson).toString());
  }

  /** The whole stream of a finished try, checked against the totals that were reported. */
  async output(fence: bigint, stepId: string, tryNumber = 1, chunk = 64 * 1024): Promise<Buffer> {
    const end = this.eventsOf(fence, "tryFinished").find((e) => e.stepId === stepId && e.try === tryNumber)!;
    if (end.outputBytes === 0n) return Buffer.alloc(0);
    const source = this.host
      .outputSources()
      .find((s) => s.fence === fence && s.stepId === stepId && s.try === tryNumber)!;
    const parts: Uint8Array[] = [];
    for (let offset = 0n; offset < end.outputBytes; offset += BigInt(parts.at(-1)!.length))
      parts.push(await this.host.readOutput(source, offset, chunk));
    const bytes = Buffer.concat(parts);
    const hash = createHash("sha256").update(bytes).digest();
    if (!hash.equals(end.outputSha256) || BigInt(bytes.length) !== end.outputBytes)
      throw new Error(`The output of ${stepId} is not what was reported.`);
    return bytes;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** Fails when folders or processes are left: everything is forgotten first, as a controller would. */
  async close(): Promise<void> {
    for (const { fence } of this.host.attempts()) this.desire(fence, "forget");
    const work = join(this.root, "state", "work");
    await until(`empty work: ${list(work)}`, () => !existsSync(work) || readdirSync(work).length === 0);
    this.host.close();
    rmSync(this.root, { recursive: true });
  }
}

export function jobOf(steps: string, head = ""): string {
  return `apiVersion: opsconductor/v1\nkind: Job\nname: test-job\n${head}${head && !head.endsWith("\n") ? "\n" : ""}${steps}\n`;
}

const kinds = (events: EventBody[]) => events.map((e) => e.kind).join(",");
const list = (folder: string) => (existsSync(folder) ? readdirSync(folder).join(",") : "");
