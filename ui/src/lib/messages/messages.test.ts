import { errorStatus } from "@opsconductor/contract/errors";
import {
  agentStates,
  assignmentStates,
  executionStates,
  stageStates,
  stepStates,
  tryStates,
} from "@opsconductor/contract/states";
import { expect, test } from "vitest";
import { lookOf } from "../ui/state-look.ts";
import { audit } from "./areas/audit.ts";
import { me } from "./areas/me.ts";
import { notices } from "./areas/notices.ts";
import { password } from "./areas/password.ts";
import { recovery } from "./areas/recovery.ts";
import { security } from "./areas/security.ts";
import { setup } from "./areas/setup.ts";
import { signOn } from "./areas/sign-on.ts";
import { tokens } from "./areas/tokens.ts";
import { users } from "./areas/users.ts";
import { en } from "./en.ts";
import { plural } from "./plural.ts";
import { pseudo, pseudoText } from "./pseudo.ts";

const allStates = [
  ...agentStates,
  ...[assignmentStates, executionStates, stageStates, stepStates, tryStates].flatMap((table) => Object.keys(table)),
];

test("every state of the contract has a word and a look", () => {
  for (const state of new Set(allStates)) {
    expect(en.states, state).toHaveProperty(state);
    if (state !== "unknown") expect(lookOf(state), state).not.toBe(lookOf("unknown"));
  }
});

test("every error code of the contract has words", () => {
  for (const code of Object.keys(errorStatus)) expect(en.problems, code).toHaveProperty(code);
});

test("plurals follow the locale and group thousands", () => {
  const forms = { one: "agent", other: "agents" };
  expect([0, 1, 2, 1284].map((n) => plural(n, forms))).toEqual(["0 agents", "1 agent", "2 agents", "1,284 agents"]);
  expect(plural(3, { one: "# day left", other: "only # days left" })).toBe("only 3 days left");
  expect(plural(2, { one: "хост", few: "хоста", many: "хостов", other: "хоста" }, "ru")).toBe("2 хоста");
});

test("the pseudo locale has every message, changed, and longer by a third", () => {
  const walk = (real: unknown, fake: unknown, path: string): void => {
    if (typeof real === "string") {
      if (/[a-z]/i.test(real)) expect(fake, path).not.toBe(real);
      expect((fake as string).length, path).toBeGreaterThan(real.length);
    } else if (typeof real === "function") expect(fake, path).toBeTypeOf("function");
    else
      for (const [key, value] of Object.entries(real as object))
        walk(value, (fake as Record<string, unknown>)[key], `${path}.${key}`);
  };
  const all = { ...en, me, notices, password, setup, tokens, audit, users, recovery, security, signOn };
  walk(all, pseudo(all), "en");
  expect(pseudoText("Save")).toBe("[Šáṽé ·]");
  expect(pseudo(en).agents.count(2)).toContain("2");
});
