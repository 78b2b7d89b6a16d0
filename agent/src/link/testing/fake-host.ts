// A Host that does no work: events and output are put in by the test. For wire tests of the link.
import type { EventBody, StoredEvent } from "../../journal/journal.ts";
import type { DesireMessage, Host, OfferMessage, OutputSource } from "../host.ts";

export class FakeHost implements Host {
  readonly offers: { offer: OfferMessage; controllerNowMs: number }[] = [];
  readonly desires: DesireMessage[] = [];
  readonly #events = new Map<bigint, StoredEvent[]>();
  readonly acked = new Map<bigint, bigint>();
  readonly #output = new Map<string, { source: OutputSource; data: Buffer }>();
  readonly ackedOutput = new Map<string, bigint>();
  #listener: () => void = () => {};
  #onDegraded: () => void = () => {};
  problem = "";

  put(fence: bigint, ...bodies: EventBody[]): void {
    const stored = this.#events.get(fence) ?? [];
    this.#events.set(fence, stored);
    const assignmentId = "01999999-0000-7000-8000-000000000001";
    for (const body of bodies)
      stored.push({
        ...{ assignmentId, attempt: 1, fence, seq: BigInt(stored.length + 1) },
        ...{ atMs: 1, monotonicMs: 1, bootId: "b", body },
      });
    this.#listener();
  }

  print(fence: bigint, stepId: string, data: Buffer): void {
    const key = `${fence}/${stepId}/1`;
    const before = this.#output.get(key)?.data ?? Buffer.alloc(0);
    const all = Buffer.concat([before, data]);
    const assignmentId = "01999999-0000-7000-8000-000000000001";
    const source = { assignmentId, attempt: 1, fence, stepId, try: 1, ended: false };
    const ackedBytes = this.ackedOutput.get(key) ?? 0n;
    this.#output.set(key, { source: { ...source, availableBytes: BigInt(all.length), ackedBytes }, data: all });
    this.#listener();
  }

  journalId = () => "journal-1";
  journalPosition = () => 7n;
  bootId = () => "boot-1";
  actions = () => ["shell"];
  degraded = () => this.problem;
  attempts = () =>
    [...this.#events].map(([fence, stored]) => ({
      assignmentId: "01999999-0000-7000-8000-000000000001",
      attempt: 1,
      fence,
      state: "running",
      lastSeq: BigInt(stored.length),
    }));

  receiveOffer(offer: OfferMessage, controllerNowMs: number): void {
    this.offers.push({ offer, controllerNowMs });
  }

  receiveDesire(desire: DesireMessage): void {
    this.desires.push(desire);
  }

  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[] {
    return (this.#events.get(fence) ?? []).filter((e) => e.seq > seq).slice(0, limit);
  }

  acknowledgeEvents(fence: bigint, seq: bigint): void {
    this.acked.set(fence, seq);
  }

  outputSources(): OutputSource[] {
    return [...this.#output].map(([key, { source }]) => ({ ...source, ackedBytes: this.ackedOutput.get(key) ?? 0n }));
  }

  async readOutput(source: OutputSource, offset: bigint, maxBytes: number): Promise<Uint8Array> {
    const { data } = this.#output.get(`${source.fence}/${source.stepId}/${source.try}`)!;
    return data.subarray(Number(offset), Number(offset) + maxBytes);
  }

  acknowledgeOutput(fence: bigint, stepId: string, tryNumber: number, storedBytes: bigint): void {
    this.ackedOutput.set(`${fence}/${stepId}/${tryNumber}`, storedBytes);
  }

  onReady(listener: () => void): void {
    this.#listener = listener;
  }

  /** The host's state changes with a word to the link. */
  setProblem(problem: string): void {
    this.problem = problem;
    this.#onDegraded();
  }

  onDegraded(listener: () => void): void {
    this.#onDegraded = listener;
  }

  facts = async () => ({ os: { family: "linux" } });
  vitals = () => ({
    runningAttempts: 0,
    spooledBytes: 0n,
    load1: 0.1,
    cpuFraction: 0.2,
    memoryUsedBytes: 3,
    memoryTotalBytes: 4,
  });
}
