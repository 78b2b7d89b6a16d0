// Contradictions between the audit log and what agents keep of it.
import { formatNumber } from "../../format/number.ts";
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const auditForks = area({
  title: (count: number) => `${plural(count, { one: "agent contradicts", other: "agents contradict" })} the audit log`,
  ofAgent: "This agent contradicts the audit log",
  text: "Each agent keeps signed checkpoints of the log. What is kept here does not fit the log any more: somebody rewrote it in the database, or put another database in its place.",
  kinds: {
    other_hash: (agent: string, kept: number) => `${agent} was told another hash of position ${kept}`,
    backwards: (agent: string, kept: number, told: number) =>
      `${agent} keeps position ${kept} and was told of ${told}, without an accepted restore`,
    other_key: (agent: string) => `${agent} was told a checkpoint that is signed with another key`,
    chain_differs: (agent: string, kept: number) =>
      `${agent} keeps position ${kept} with a hash that the log does not have`,
  },
  unproven: "not proven: the agent may be lying",
  more: (count: number) => `and ${formatNumber(count)} more`,
  steps:
    "Export the log now, compare it with what the host prints (opsconductor-agent audit), then say here what it was.",
  settle: "Settle",
  settleTitle: "Settle this contradiction?",
  settleText: "It counts no longer, and stays in the list and in the log with your reason.",
  reason: "What it was",
  reasonMissing: "Say what it was: others will ask.",
  settled: "Settled",
});
