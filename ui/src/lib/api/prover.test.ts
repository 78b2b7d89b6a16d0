import { expect, test } from "vitest";
import { prove, useProver } from "./prover.ts";

test("requests that wait at once share one question, and the next one asks again", async () => {
  const asked: string[][] = [];
  let answer: (given: boolean) => void = () => {};
  const stop = useProver((methods) => {
    asked.push([...methods]);
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const both = [prove(["password"]), prove(["password"])];
  answer(true);
  expect(await Promise.all(both)).toEqual([true, true]);
  const later = prove(["totp"]);
  answer(false);
  expect(await later).toBe(false);
  expect(asked).toEqual([["password"], ["totp"]]);
  stop();
  expect(await prove(["password"])).toBe(false);
});
