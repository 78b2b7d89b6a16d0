// Writes without Idempotency-Key while commits lose their answers: what the client is told must be true. Called by
// ambiguous.ts.
import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../devstack/api.ts";
import type { Violation } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";

export interface BareWrites {
  /** How many were answered with which status. */
  readonly answers: Record<number, number>;
  stop(): Promise<void>;
  /** After the faults have stopped: what was said against what is. */
  judge(): Promise<Violation[]>;
}

/** Makes one target after the other, each under a name of its own, and never asks twice. */
export function writeBare(faults: FaultStack, signIn: () => Promise<Api>): BareWrites {
  const said = new Map<string, number>();
  const answers: Record<number, number> = {};
  let stopped = false;
  const run = async () => {
    let api: Api | undefined;
    for (let n = 1; !stopped; n++) {
      await sleep(50);
      api ??= await signIn().catch(() => undefined);
      if (!api) continue;
      const name = `bare-${n}`;
      const { status } = await api.request("POST", "/api/v1/targets", { name });
      if (status === 401) api = undefined;
      said.set(name, status);
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const done = run();
  return {
    answers,
    async stop() {
      stopped = true;
      await done;
    },
    async judge() {
      const rows = await faults.owner()<{ name: string }[]>`select name from assets.targets where name like 'bare-%'`;
      const made = new Set(rows.map((row) => row.name));
      return [...said].flatMap(([name, status]) => {
        const wrong = contradiction(status, made.has(name));
        return wrong === undefined ? [] : [{ invariant: 1, subject: `target ${name}`, what: wrong }];
      });
    },
  };
}

function contradiction(status: number, exists: boolean): string | undefined {
  if (status === 201) return exists ? undefined : "was said to be made and does not exist";
  if (status === 504) return undefined; // "not known" is never wrong
  if (status === 503) return exists ? "was said to have changed nothing and exists" : undefined;
  return status === 401 ? undefined : `was answered with ${status}`;
}
