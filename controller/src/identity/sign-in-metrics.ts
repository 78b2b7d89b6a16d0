// Counts sign-ins by how they ended. Called by every way to sign in.
import { Counter } from "prom-client";
import type { Context } from "../context.ts";

const name = "oc_sign_ins_total";

/** `outcome`: ok, or why it was refused. */
export function countSignIn({ metrics }: Pick<Context, "metrics">, outcome: string): void {
  const known = metrics.getSingleMetric(name) as Counter<"outcome"> | undefined;
  const counter =
    known ?? new Counter({ name, help: "Sign-ins by outcome", labelNames: ["outcome"] as const, registers: [metrics] });
  counter.inc({ outcome });
}
