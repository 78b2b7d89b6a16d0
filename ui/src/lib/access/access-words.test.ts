import { permissions } from "@opsconductor/contract/permissions";
import { expect, test } from "vitest";
import { access } from "../messages/areas/access.ts";
import { permissionAreas } from "./role-areas.ts";

test("every permission has a sentence and every area a name", () => {
  for (const permission of permissions) expect(access.permissions, permission).toHaveProperty([permission]);
  for (const { area } of permissionAreas) expect(access.areas, area).toHaveProperty([area]);
  expect(permissionAreas.flatMap((area) => area.permissions).toSorted()).toEqual([...permissions].sort());
});
