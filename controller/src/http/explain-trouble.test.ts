import { TransactionLost } from "@opsconductor/database/transaction-lost";
import { expect, test } from "vitest";
import { explainTrouble } from "./explain-trouble.ts";

const lost = (outcome: "unknown" | "rolled back") =>
  new TransactionLost(outcome, Object.assign(new Error("cut"), { code: "ECONNRESET" }));
const full = Object.assign(new Error("could not extend file"), { code: "53100" });

test("a write whose outcome is unknown says so, and that it is safe to repeat only when it carried a key", () => {
  const bare = explainTrouble(lost("unknown"), { method: "POST", hasKey: false });
  expect(bare).toMatchObject({ code: "outcome_unknown", retryAfterSeconds: undefined });
  expect(bare!.message).toContain("it is not known whether this was done: look before you send it again");
  const keyed = explainTrouble(lost("unknown"), { method: "POST", hasKey: true });
  expect(keyed).toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
  expect(keyed!.message).toContain("send the same request with the same Idempotency-Key again");
});

test("what was rolled back, and what only reads, may be tried again", () => {
  const written = explainTrouble(lost("rolled back"), { method: "PUT", hasKey: false });
  expect(written).toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
  expect(written!.message).toContain("Nothing was changed; try again");
  expect(explainTrouble(lost("unknown"), { method: "GET", hasKey: false })).toMatchObject({ code: "unavailable" });
});

test("a full disk is named", () => {
  const answer = explainTrouble(full, { method: "POST", hasKey: false });
  expect(answer).toMatchObject({ code: "unavailable", retryAfterSeconds: 10 });
  expect(answer!.message).toContain("The disk of the database is full: free space");
});

test("a database that is away because its disk is full is told as full", () => {
  const answer = explainTrouble(lost("rolled back"), { method: "POST", hasKey: false, known: "full" });
  expect(answer!.message).toContain("The disk of the database is full");
});

test("an error about the work is left to others", () => {
  expect(explainTrouble(new Error("no such thing"), { method: "POST", hasKey: false })).toBeUndefined();
});
