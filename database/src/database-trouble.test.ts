import { expect, test } from "vitest";
import { databaseTrouble } from "./database-trouble.ts";
import { TransactionLost } from "./transaction-lost.ts";

const failure = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });

test.each([
  [failure("53100"), { kind: "full", outcome: "rolled back" }],
  [failure("58030"), { kind: "broken", outcome: "rolled back" }],
  [failure("53300"), { kind: "busy", outcome: "rolled back" }],
  [failure("57P03"), { kind: "away", outcome: "rolled back" }],
  [failure("ECONNREFUSED"), { kind: "away", outcome: "rolled back" }],
  [failure("ENOENT", { syscall: "connect" }), { kind: "away", outcome: "rolled back" }],
  [failure("CONNECTION_CLOSED", { query: "select 1" }), { kind: "away", outcome: "rolled back" }],
  [failure("CONNECTION_CLOSED", { query: "update t set n = 1" }), { kind: "away", outcome: "unknown" }],
  [new TransactionLost("unknown", failure("ECONNRESET")), { kind: "away", outcome: "unknown" }],
  [new TransactionLost("rolled back", failure("CONNECTION_CLOSED")), { kind: "away", outcome: "rolled back" }],
  [new Error("wrapped", { cause: failure("53100") }), { kind: "full", outcome: "rolled back" }],
])("%s is told apart", (error, expected) => {
  expect(databaseTrouble(error)).toEqual(expected);
});

test("an error about the work is no trouble of the database", () => {
  for (const error of [failure("23505"), failure("ENOENT", { syscall: "open" }), new Error("x"), undefined, "text"])
    expect(databaseTrouble(error)).toBeUndefined();
});
