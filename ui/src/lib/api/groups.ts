// Requests of groups of targets.
import { fetchAllPages } from "./fetch-all-pages.ts";
import { request } from "./request.ts";
import type { Group, GroupInput, GroupPatch, Page, Target } from "./types.ts";

const one = (id: string, rest = "") => `groups/${encodeURIComponent(id)}${rest}`;
const maxGroupsInTree = 5_000;

export const listGroups = (signal?: AbortSignal) =>
  fetchAllPages(
    (cursor) => request<Page<Group>>("GET", "groups", { query: { limit: 1000, cursor }, signal }),
    maxGroupsInTree,
  );
export const createGroup = (body: GroupInput) => request<Group>("POST", "groups", { body });
export const updateGroup = (id: string, revision: number, body: GroupPatch) =>
  request<Group>("PATCH", one(id), { body, revision });
export const deleteGroup = (id: string, revision: number) => request<void>("DELETE", one(id), { revision });
export const changeGroupTargets = (id: string, body: { add?: string[]; remove?: string[] }) =>
  request<Group>("POST", one(id, "/targets"), { body });
export const setTargetGroups = (target: string, groups: string[]) =>
  request<Target>("PUT", `targets/${encodeURIComponent(target)}/groups`, { body: { groups } });
