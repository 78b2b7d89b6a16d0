// `uses: service`: whether a service runs, and whether it starts with the host; systemd or OpenRC.
import { existsSync } from "node:fs";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { type Action, type ActionEnd, ActionFailed, type ActionPlan } from "./action.ts";
import { type Made, madeBefore } from "./made-before.ts";
import type { Programs } from "./support/run-program.ts";

type Parameters = ActionParameters<"service">;
type Verb = "start" | "stop" | "restart" | "reload";

interface Found {
  running: boolean;
  enabled: boolean | undefined;
}

interface ServiceManager {
  /** Undefined when there is no such service. */
  look(name: string): Promise<Found | undefined>;
  act(verb: Verb, name: string): Promise<void>;
  enable(name: string, enabled: boolean): Promise<void>;
  readUnits?(): Promise<void>;
}

export const service: Action<Parameters> = async (parameters, { programs, madeBefore: before }) => {
  const manager = await findManager(programs);
  const { name, state, enabled, daemonReload } = parameters;
  const now = await manager.look(name);
  if (now === undefined) return planMissing(parameters, before);
  const verb = state === undefined ? undefined : verbFor(state, now.running, name);
  if (enabled !== undefined && now.enabled === undefined)
    throw new ActionFailed(`${name} can be neither enabled nor disabled: something else starts it`);
  const switches = enabled !== undefined && now.enabled !== enabled;
  const changes = [
    ...(verb ? [`${verb} ${name}`] : []),
    ...(switches ? [`${enabled ? "enable" : "disable"} ${name}`] : []),
  ];
  return {
    changes,
    outputs: { state: now.running ? "started" : "stopped" },
    message: `${name} is ${now.running ? "started" : "stopped"}${now.enabled ? " and enabled" : ""}`,
    apply: () => apply(manager, { name, verb, enable: switches ? enabled : undefined, daemonReload }),
  };
};

const verbs = { started: "start", stopped: "stop", restarted: "restart", reloaded: "reload" } as const;

/** In a check a step before may be what brings the service. */
function planMissing({ name, state, enabled }: Parameters, before: readonly Made[]): ActionPlan {
  const waits = madeBefore(before, { kind: "service", name });
  if (waits === undefined) throw noService(name);
  const words = [...(state ? [verbs[state]] : []), ...(enabled === undefined ? [] : [enabled ? "enable" : "disable"])];
  return { changes: [`${words.join(" and ")} ${name}${waits}`] };
}

const noService = (name: string) => new ActionFailed(`there is no service ${name} on this host`);

interface Wish {
  name: string;
  verb: Verb | undefined;
  enable: boolean | undefined;
  daemonReload: boolean;
}

async function apply(manager: ServiceManager, wish: Wish): Promise<ActionEnd> {
  const { name, verb, enable, daemonReload } = wish;
  if (daemonReload) await manager.readUnits?.();
  if (enable !== undefined) await manager.enable(name, enable);
  if (verb !== undefined) await manager.act(verb, name);
  const found = await manager.look(name);
  if (found === undefined) throw noService(name);
  const { running } = found;
  if (verb !== undefined && running !== (verb !== "stop"))
    throw new ActionFailed(`${name} was asked to ${verb}, and is ${running ? "still running" : "not running"}`);
  return { outputs: { state: running ? "started" : "stopped" } };
}

function verbFor(state: NonNullable<Parameters["state"]>, running: boolean, name: string): Verb | undefined {
  switch (state) {
    case "started":
      return running ? undefined : "start";
    case "stopped":
      return running ? "stop" : undefined;
    case "restarted":
      return "restart";
    case "reloaded":
      if (!running)
        throw new ActionFailed(`${name} is not running, so it cannot be reloaded: use state started before`);
      return "reload";
  }
}

async function findManager(programs: Programs): Promise<ServiceManager> {
  if (existsSync("/run/systemd/system")) return systemd(programs);
  if (await programs.installed("rc-service")) return openrc(programs);
  throw new ActionFailed("this host has neither systemd nor OpenRC");
}

function systemd(programs: Programs): ServiceManager {
  const properties = ["LoadState", "ActiveState", "UnitFileState"];
  return {
    look: async (name) => {
      const { stdout } = await programs.must("systemctl", ["show", ...properties.map((one) => `-p${one}`), "--", name]);
      const found = Object.fromEntries(
        stdout
          .trim()
          .split("\n")
          .map((line) => line.split("=") as [string, string]),
      );
      if (found.LoadState === "not-found") return undefined;
      if (found.LoadState === "masked") throw new ActionFailed(`${name} is masked on this host: unmask it first`);
      const running = ["active", "reloading", "activating"].includes(found.ActiveState!);
      const enabled = /^enabled/.test(found.UnitFileState!);
      const disabled = found.UnitFileState === "disabled";
      return { running, enabled: enabled || disabled ? enabled : undefined };
    },
    act: async (verb, name) => {
      const { code, stderr } = await programs.run("systemctl", [verb, "--", name]);
      if (code === 0) return;
      const journal = await programs.run("journalctl", ["-u", name, "-n", "20", "--no-pager", "-o", "cat"]);
      throw new ActionFailed(`systemctl ${verb} ${name} failed: ${stderr.trim().split("\n")[0]}`, {
        outputs: { log: journal.stdout },
      });
    },
    enable: async (name, enabled) =>
      void (await programs.must("systemctl", [enabled ? "enable" : "disable", "--", name])),
    readUnits: async () => void (await programs.must("systemctl", ["daemon-reload"])),
  };
}

/** openrc-run(8): what `status` ends with when the service was started and its process is gone. */
const crashed = 32;
/** Runlevels of going down. */
const down = new Set(["off", "shutdown", "reboot"]);

function openrc(programs: Programs): ServiceManager {
  const statusOf = async (name: string) => {
    const { code, stdout, stderr } = await programs.run("rc-service", [name, "status"]);
    if (`${stdout}${stderr}`.includes("openrc did not boot"))
      throw new ActionFailed("OpenRC is installed and did not start this host, so it runs no services here");
    return code;
  };
  return {
    look: async (name) => {
      const { code } = await programs.run("rc-service", ["--exists", name]);
      if (code !== 0) return undefined;
      return { running: (await statusOf(name)) === 0, enabled: (await runlevelsOf(programs, name)).length > 0 };
    },
    act: async (verb, name) => {
      // It takes a service that crashed for one that runs, and does not start it.
      if (verb === "start" && (await statusOf(name)) === crashed) await programs.must("rc-service", [name, "zap"]);
      await programs.must("rc-service", [name, verb]);
    },
    enable: async (name, enabled) => {
      const args = enabled ? ["add", name, "default"] : ["del", name, ...(await runlevelsOf(programs, name))];
      await programs.must("rc-update", args);
    },
  };
}

/** Those that start it, from lines of `name | runlevel runlevel`. */
async function runlevelsOf(programs: Programs, name: string): Promise<string[]> {
  const { stdout } = await programs.must("rc-update", ["show"]);
  const rows = stdout.split("\n").map((line) => line.split("|").map((part) => part.trim()));
  const levels = rows.find(([one]) => one === name)?.[1]?.split(/\s+/) ?? [];
  return levels.filter((level) => level !== "" && !down.has(level));
}
