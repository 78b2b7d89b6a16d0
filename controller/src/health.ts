// What /health asks: every part that can fail registers a check under its name in `ctx.health`.
export interface PartHealth {
  status: "ok" | "degraded" | "failing";
  detail?: string;
}
export type HealthChecks = Map<string, () => PartHealth | Promise<PartHealth>>;

const patienceMs = 2000;

/** All parts at once; one that throws or does not answer in time is failing. */
export async function checkHealth(checks: HealthChecks): Promise<Record<string, PartHealth>> {
  const parts = [...checks].map(async ([name, check]) => [name, await checkOne(check)] as const);
  return Object.fromEntries(await Promise.all(parts));
}

async function checkOne(check: () => PartHealth | Promise<PartHealth>): Promise<PartHealth> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PartHealth>((resolve) => {
    timer = setTimeout(() => resolve({ status: "failing", detail: "does not answer" }), patienceMs);
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return { status: "failing", detail: "does not work; the log says why" };
  } finally {
    clearTimeout(timer);
  }
}

export function worst(parts: Record<string, PartHealth>): PartHealth["status"] {
  const all = Object.values(parts).map((p) => p.status);
  return all.includes("failing") ? "failing" : all.includes("degraded") ? "degraded" : "ok";
}
