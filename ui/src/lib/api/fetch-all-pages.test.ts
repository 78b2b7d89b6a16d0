import { expect, test } from "vitest";
import { fetchAllPages } from "./fetch-all-pages.ts";

const list = (total: number, size: number) => async (cursor: string | undefined) => {
  const from = Number(cursor ?? 0);
  const items = Array.from({ length: Math.min(size, total - from) }, (_, i) => from + i);
  return { items, nextCursor: from + size < total ? String(from + size) : undefined };
};

test("all pages come in order", async () => {
  expect(await fetchAllPages(list(2500, 1000), 10_000)).toEqual({
    items: Array.from({ length: 2500 }, (_, i) => i),
    truncated: false,
  });
});

test("at the cap it stops and says that there is more", async () => {
  const got = await fetchAllPages(list(5000, 1000), 2500);
  expect(got.items).toHaveLength(2500);
  expect(got.truncated).toBe(true);
});

test("a list that ends exactly at the cap is whole", async () => {
  expect(await fetchAllPages(list(2000, 1000), 2000)).toMatchObject({ truncated: false });
});
