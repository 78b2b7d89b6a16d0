// Filters the targets table in the browser: every word must be found in name, address, OS, agent or a label. Pure.
import type { Target } from "../api/types.ts";

const haystacks = new WeakMap<Target, string>();

function haystackOf(target: Target): string {
  const known = haystacks.get(target);
  if (known !== undefined) return known;
  const labels = Object.entries(target.labels).map(([key, value]) => `${key}=${value}`);
  const services = target.services.map((service) => `${service.type}:${service.port}`);
  const hay = [target.name, target.hostname, target.address, target.os, target.agentName, ...labels, ...services]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
  haystacks.set(target, hay);
  return hay;
}

export function targetMatches(target: Target, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const hay = haystackOf(target);
  return words.every((word) => hay.includes(word));
}

/** The selector that means exactly these targets. */
export function selectorOfNames(names: readonly string[]): string {
  return names.length === 1 ? `name=${names[0]}` : `name in (${names.join(", ")})`;
}
