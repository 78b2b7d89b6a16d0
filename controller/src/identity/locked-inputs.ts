// Grants that bind inputs: such a grant runs a job only when the job has these inputs, with these values. Called when an
// execution is created or planned, for the job itself and for each that its workflow calls. Pure.
import { canonicalJson } from "@opsconductor/contract/job/inputs";
import { type Permission, scopablePermissions } from "@opsconductor/contract/permissions";
import type { Actor } from "../context.ts";
import { grantsWith, mayEverywhere, type ScopedGrant } from "./grants.ts";

type Values = Readonly<Record<string, unknown>>;

const bindsInputs = ({ lockedInputs }: ScopedGrant) => Object.keys(lockedInputs).length > 0;

/**
 * What is left of somebody's rights to run jobs for one job with these inputs; undefined: nobody knows them yet. An input
 * that is `open` is still to be chosen, and may become what a grant binds it to.
 */
export function fitLocks(actor: Actor, values: Values | undefined, open: readonly string[] = []): Actor {
  if (mayEverywhere(actor, "jobs:execute") || !actor.grants?.some(bindsInputs)) return actor;
  const grants = actor.grants.map((grant) => (fits(grant, values, open) ? grant : withoutRunning(grant)));
  return { ...actor, grants };
}

function fits(grant: ScopedGrant, values: Values | undefined, open: readonly string[]): boolean {
  if (!bindsInputs(grant)) return true;
  if (!values) return false;
  return Object.entries(grant.lockedInputs).every(([name, value]) =>
    Object.hasOwn(values, name) ? canonicalJson(values[name]) === canonicalJson(value) : open.includes(name),
  );
}

function withoutRunning(grant: ScopedGrant): ScopedGrant {
  const held = grant.permissions.has("*") ? scopablePermissions : [...grant.permissions];
  const permissions = new Set((held as Permission[]).filter((permission) => permission !== "jobs:execute"));
  return { ...grant, permissions };
}

/** The grants by which somebody runs the job, on some target or with some inputs. */
export function grantsToRun(actor: Actor, jobId: string): ScopedGrant[] {
  return grantsWith(actor, "jobs:execute").filter(({ scope }) => scope.kind !== "job" || scope.jobId === jobId);
}

export function mayRun(actor: Actor, jobId: string): boolean {
  return mayEverywhere(actor, "jobs:execute") || grantsToRun(actor, jobId).length > 0;
}

/** A part of the fleet is no right to write what runs everywhere. */
export function mayWrite(actor: Actor, jobId: string): boolean {
  const ofJob = ({ scope }: ScopedGrant) =>
    scope.kind === "everything" || (scope.kind === "job" && scope.jobId === jobId);
  return mayEverywhere(actor, "jobs:write") || grantsWith(actor, "jobs:write").some(ofJob);
}

/** Inputs that every grant binds by which somebody could run the job, each with the values that are possible. */
export function lockedInputsOf(actor: Actor, jobId: string, specs: Values): Record<string, unknown[]> {
  if (mayEverywhere(actor, "jobs:execute")) return {};
  const grants = grantsToRun(actor, jobId).filter(({ lockedInputs }) =>
    Object.keys(lockedInputs).every((name) => Object.hasOwn(specs, name)),
  );
  const [first, ...others] = grants;
  const names = Object.keys(first?.lockedInputs ?? {}).filter((name) =>
    others.every(({ lockedInputs }) => Object.hasOwn(lockedInputs, name)),
  );
  const valuesOf = (name: string) =>
    new Map(grants.map((g) => [canonicalJson(g.lockedInputs[name]), g.lockedInputs[name]]));
  return Object.fromEntries(names.map((name) => [name, [...valuesOf(name).values()]]));
}

/** Inputs that some grant binds by which somebody could run the job: those that decide where it may be run. */
export function boundInputsOf(actor: Actor, jobId: string, specs: Values): string[] {
  if (mayEverywhere(actor, "jobs:execute")) return [];
  const bound = new Set(grantsToRun(actor, jobId).flatMap(({ lockedInputs }) => Object.keys(lockedInputs)));
  return Object.keys(specs).filter((name) => bound.has(name));
}

/** What was not given and can have one value only. */
export function fillLocked(given: Values, locked: Readonly<Record<string, unknown[]>>): Record<string, unknown> {
  const single = Object.entries(locked).flatMap(([name, values]) => (values.length === 1 ? [[name, values[0]]] : []));
  return { ...Object.fromEntries(single), ...given };
}

/** `env = "staging"`, as people are told. */
export function describeLocks(inputs: Values): string {
  return Object.entries(inputs)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(", ");
}
