// How each state looks: tone (colour), icon shape and word, so that colour is never the only sign.
import Ban from "@lucide/svelte/icons/ban";
import CircleCheck from "@lucide/svelte/icons/circle-check";
import CircleDashed from "@lucide/svelte/icons/circle-dashed";
import CircleHelp from "@lucide/svelte/icons/circle-question-mark";
import CircleX from "@lucide/svelte/icons/circle-x";
import Clock from "@lucide/svelte/icons/clock";
import Hand from "@lucide/svelte/icons/hand";
import Hourglass from "@lucide/svelte/icons/hourglass";
import LoaderCircle from "@lucide/svelte/icons/loader-circle";
import Minus from "@lucide/svelte/icons/minus";
import Pause from "@lucide/svelte/icons/pause";
import ShieldX from "@lucide/svelte/icons/shield-x";
import TriangleAlert from "@lucide/svelte/icons/triangle-alert";
import Unplug from "@lucide/svelte/icons/unplug";
import type {
  AgentState,
  AssignmentState,
  ExecutionState,
  StageState,
  StepState,
  TryState,
} from "@opsconductor/contract/states";
import type { Component } from "svelte";

export type Tone = "ok" | "run" | "bad" | "warn" | "wait" | "idle";
export type TokenState = "waiting" | "used" | "expired" | "revoked" | "active" | "suspended";
export type AnyState =
  | AgentState
  | AssignmentState
  | ExecutionState
  | StageState
  | StepState
  | TryState
  | TokenState
  | "degraded"
  | "unreachable"
  | "unknown";

export interface StateLook {
  tone: Tone;
  icon: Component;
  spins?: boolean;
  outline?: boolean;
}

const looks: Record<AnyState, StateLook> = {
  succeeded: { tone: "ok", icon: CircleCheck },
  online: { tone: "ok", icon: CircleCheck },
  used: { tone: "ok", icon: CircleCheck },
  active: { tone: "ok", icon: CircleCheck },
  running: { tone: "run", icon: LoaderCircle, spins: true },
  started: { tone: "run", icon: LoaderCircle, spins: true },
  starting: { tone: "run", icon: LoaderCircle, spins: true },
  accepted: { tone: "run", icon: CircleDashed },
  offered: { tone: "run", icon: CircleDashed },
  waiting: { tone: "run", icon: Hourglass },
  failed: { tone: "bad", icon: CircleX },
  timed_out: { tone: "bad", icon: Hourglass },
  lost: { tone: "bad", icon: CircleHelp },
  denied: { tone: "bad", icon: ShieldX },
  revoked: { tone: "bad", icon: ShieldX },
  offline: { tone: "bad", icon: Unplug, outline: true },
  unreachable: { tone: "bad", icon: Unplug, outline: true },
  partial: { tone: "warn", icon: TriangleAlert },
  degraded: { tone: "warn", icon: TriangleAlert },
  quarantined: { tone: "warn", icon: ShieldX },
  missed: { tone: "warn", icon: Clock },
  awaiting_approval: { tone: "wait", icon: Hand },
  queued: { tone: "idle", icon: Clock },
  pending: { tone: "idle", icon: Clock },
  paused: { tone: "idle", icon: Pause },
  suspended: { tone: "idle", icon: Pause },
  cancelled: { tone: "idle", icon: Ban },
  expired: { tone: "idle", icon: Clock },
  skipped: { tone: "idle", icon: Minus },
  never_connected: { tone: "idle", icon: CircleDashed },
  unknown: { tone: "idle", icon: CircleHelp },
};

/** The look of a state; one this console does not know yet looks unknown instead of breaking the page. */
export function lookOf(state: string): StateLook {
  return looks[state as AnyState] ?? looks.unknown;
}
