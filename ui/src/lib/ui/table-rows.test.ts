import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fittingColumns, formatSort, parseSort, sortRows, windowOf } from "./table-rows.ts";

describe("sorting", () => {
  test("numbers inside names count as numbers, case does not matter", () => {
    const names = ["web-10", "Web-9", "db-1"];
    expect(sortRows(names, (name) => name, "asc")).toEqual(["db-1", "Web-9", "web-10"]);
    expect(sortRows(names, (name) => name, "desc")).toEqual(["web-10", "Web-9", "db-1"]);
  });

  test("unknown values come last in both directions", () => {
    const rows = [3, undefined, 1, null];
    expect(sortRows(rows, (row) => row, "asc").slice(0, 2)).toEqual([1, 3]);
    expect(sortRows(rows, (row) => row, "desc").slice(0, 2)).toEqual([3, 1]);
  });

  test("the order survives the address", () => {
    for (const text of ["", "name", "-lastSeen"]) expect(formatSort(parseSort(text))).toBe(text);
  });
});

describe("window", () => {
  test("rows and the space around them always make the whole list, and the viewport is covered", () => {
    fc.assert(
      fc.property(
        fc.nat(20_000),
        fc.constantFrom(28, 32, 40),
        fc.nat(900_000),
        fc.integer({ min: 1, max: 2000 }),
        (count, row, top, height) => {
          const win = windowOf(count, row, top, height);
          expect(win.before + (win.end - win.start) * row + win.after).toBe(count * row);
          const scroll = Math.min(top, Math.max(0, count * row - height));
          expect(win.before).toBeLessThanOrEqual(scroll);
          expect(win.end * row).toBeGreaterThanOrEqual(Math.min(count * row, scroll + height));
          expect(win.end - win.start).toBeLessThan(height / row + 22);
        },
      ),
    );
  });
});

describe("columns", () => {
  const columns = [
    { id: "name", width: 200 },
    { id: "os", width: 100, priority: 1 },
    { id: "labels", width: 200, priority: 3 },
    { id: "seen", width: 100, priority: 2 },
  ];
  const ids = (width: number) => fittingColumns(columns, width).map((column) => column.id);

  test("what does not fit goes by priority, the order stays", () => {
    expect(ids(600)).toEqual(["name", "os", "labels", "seen"]);
    expect(ids(599)).toEqual(["name", "os", "seen"]);
    expect(ids(399)).toEqual(["name", "os"]);
    expect(ids(50), "what has no priority never goes").toEqual(["name"]);
  });
});
