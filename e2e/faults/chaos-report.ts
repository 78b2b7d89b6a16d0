// What a chaos run says at its end: figures, who was killed when, how often each moment was met. Called by chaos.ts.

import type { ChaosOptions } from "./chaos.ts";
import { victims } from "./chaos-plan.ts";
import { countChecked } from "./check-invariants.ts";
import { countFlows } from "./count-flows.ts";
import type { Evidence, Violation } from "./evidence.ts";
import type { OwnEnd } from "./fault-stack.ts";
import type { Kill, Killer } from "./killer.ts";
import { moments } from "./moments.ts";
import { percentile, type Report, type ReportTable } from "./report.ts";
import type { Settled } from "./settle.ts";

export interface ChaosResult {
  options: ChaosOptions;
  startedAt: Date;
  tookMs: number;
  killingMs: number;
  /** Asked for by the last kill. */
  stepsUnderFire: number;
  settled: Settled;
  killer: Killer;
  violations: Violation[];
  evidence: Evidence;
  ownEnds: OwnEnd[];
  answerMs: number[];
}

const about =
  "Controller, agents, supervisors of running tries and PostgreSQL were killed with SIGKILL under load, alone and in " +
  "pairs, at random times and at chosen moments, and came back by supervised restart. Meanwhile plain jobs, workflows, " +
  "rollouts, approvals, turns, pauses, cancels and retries went on. Afterwards the database, the " +
  "stored output and the ledger that the steps wrote themselves were compared.";

const notes = [
  "The same seed makes the same plan: which processes are killed at which moments, which jobs and executions there are, " +
    "what every step prints. When a moment comes depends on the machine, so a second run is another history of the same plan.",
  "A kill is one process chosen and killed with SIGKILL (of a supervisor's whole session: one kill). A planned victim that was " +
    "not there when its moment came was not killed and is not counted.",
  "`lost` is accepted only of a try whose supervisor was killed before its exit record was on the disk; everything else must " +
    "have the outcome and the bytes that the step's own ledger and its seed say.",
  "Output is made again from its seed by the checker: neither the product nor the step is believed.",
  "Beside plain jobs there are executions with stages, batches, approvals and turns. Whether a stage was to run, on which targets, " +
    "in which batch and with what from the stages before it the checker works out from the plan, not from the product.",
  "“Ended by itself” counts programs that ended without a kill, mostly a controller whose database went away under it; " +
    "the supervisor starts them again.",
];

export function chaosReport(result: ChaosResult): Report {
  const { options, startedAt, tookMs, violations } = result;
  return {
    ...{ name: "chaos", about, seed: options.seed, startedAt, tookMs, violations, notes },
    command: `npm run chaos -- --kills ${options.kills} --steps ${options.steps} --seed ${options.seed}`,
    figures: figuresOf(result),
    tables: [
      ...[victimTable(result), momentTable(result.killer), ownEndTable(result.ownEnds)],
      ...[minuteTable(result), killTable(result)],
    ],
  };
}

function figuresOf({ killer, evidence, stepsUnderFire, ownEnds, killingMs, settled, answerMs }: ChaosResult) {
  const pairs = Map.groupBy(killer.kills, ({ strike, at }) => `${strike} ${Math.floor(at.getTime() / 50)}`);
  const seconds = (ms: number) => Math.round(ms / 100) / 10;
  return {
    kills: killer.kills.length,
    strikes: new Set(killer.kills.map(({ strike }) => strike)).size,
    "pairs at once": [...pairs.values()].filter((kills) => kills.length > 1).length,
    "kills at a chosen moment": killer.kills.filter(({ moment }) => moment !== undefined).length,
    "planned victims that were not there": killer.missedVictims.length,
    ...countChecked(evidence),
    ...countFlows(evidence),
    "steps asked for by the last kill": stepsUnderFire,
    "ended by itself": ownEnds.length,
    "seconds of killing": seconds(killingMs),
    "seconds to settle": seconds(settled.tookMs),
    "wait for half of the agents after a strike, p50 s": seconds(percentile(killer.recoveryMs, 0.5)),
    "wait for half of the agents after a strike, p99 s": seconds(percentile(killer.recoveryMs, 0.99)),
    "execution asked for until answered, p50 s": seconds(percentile(answerMs, 0.5)),
    "execution asked for until answered, p99 s": seconds(percentile(answerMs, 0.99)),
  };
}

function victimTable({ killer }: ChaosResult): ReportTable {
  const of = (victim: string) => killer.kills.filter((kill) => kill.victim === victim);
  const rows = victims.map((victim) => {
    const kills = of(victim);
    const chosen = kills.filter(({ moment }) => moment !== undefined).length;
    return [victim, kills.length, kills.length - chosen, chosen];
  });
  return { title: "Who was killed", columns: ["victim", "kills", "at a random time", "at a chosen moment"], rows };
}

function momentTable(killer: Killer): ReportTable {
  const rows = moments.map(({ name }) => {
    const { awaited, hit } = killer.moments.get(name) ?? { awaited: 0, hit: 0 };
    return [name, awaited, hit, killer.kills.filter((kill) => kill.moment === name).length];
  });
  const columns = ["moment", "waited for", "came in time", "kills"];
  return {
    title: "Chosen moments",
    about: "Where one did not come in time, the strike was made at once.",
    columns,
    rows,
  };
}

function ownEndTable(ownEnds: OwnEnd[]): ReportTable {
  const reasons = Map.groupBy(ownEnds, ({ who, code, lastWords }) => {
    const said = /"message":"([^"]{1,120})/.exec(lastWords)?.[1] ?? lastWords.split("\n").at(-1)!.slice(0, 120);
    return `${who.replace(/-\d+$/, "")} with ${code}: ${said.replace(/(file:\/\/)?\/[^\s"):]+/g, "…")}`;
  });
  const rows = [...reasons].map(([reason, ends]) => [reason, ends.length]);
  return { title: "Ended by itself", columns: ["who, exit code, last words", "times"], rows };
}

function minuteTable({ killer, startedAt }: ChaosResult): ReportTable {
  const minuteOf = ({ at }: Kill) => Math.floor((at.getTime() - startedAt.getTime()) / 60_000);
  const rows = [...Map.groupBy(killer.kills, minuteOf)]
    .sort(([a], [b]) => a - b)
    .map(([minute, kills]) => [minute, ...victims.map((victim) => kills.filter((k) => k.victim === victim).length)]);
  return { title: "Kills by minute", columns: ["minute", ...victims], rows };
}

function killTable({ killer, startedAt }: ChaosResult): ReportTable {
  const row = ({ at, strike, victim, which, moment }: Kill) => {
    const seconds = ((at.getTime() - startedAt.getTime()) / 1000).toFixed(2);
    return [seconds, strike, victim, which === victim ? "" : which, moment ?? "random"];
  };
  const columns = ["second", "strike", "victim", "which", "moment"];
  return { title: "What was killed when", columns, rows: killer.kills.map(row) };
}
