// The pages in the navigation, the palette and the `g` keys; only pages that exist.
import Blocks from "@lucide/svelte/icons/blocks";
import Bot from "@lucide/svelte/icons/bot";
import Boxes from "@lucide/svelte/icons/boxes";
import Gauge from "@lucide/svelte/icons/gauge";
import Hand from "@lucide/svelte/icons/hand";
import Play from "@lucide/svelte/icons/play";
import ScrollText from "@lucide/svelte/icons/scroll-text";
import Server from "@lucide/svelte/icons/server";
import SlidersHorizontal from "@lucide/svelte/icons/sliders-horizontal";
import Users from "@lucide/svelte/icons/users";
import Workflow from "@lucide/svelte/icons/workflow";
import type { Component } from "svelte";
import { m } from "../messages/m.ts";
import { paths } from "../paths.ts";

export interface NavItem {
  href: string;
  label: string;
  icon: Component<{ size?: number }>;
  /** Second key after `g`. */
  key: string;
  permission: string;
}
export interface NavGroup {
  label: string;
  items: NavItem[];
}

export function navGroups(can: (permission: string) => boolean): NavGroup[] {
  const groups: NavGroup[] = [
    {
      label: "",
      items: [
        { href: paths.overview(), label: m.shell.overview, icon: Gauge, key: "o", permission: "executions:read" },
        { href: paths.executions(), label: m.shell.executions, icon: Play, key: "e", permission: "executions:read" },
        { href: paths.approvals(), label: m.shell.approvals, icon: Hand, key: "v", permission: "executions:read" },
        { href: paths.jobs(), label: m.shell.jobs, icon: Workflow, key: "j", permission: "jobs:read" },
        { href: paths.actions(), label: m.shell.actions, icon: Blocks, key: "c", permission: "jobs:read" },
      ],
    },
    {
      label: m.shell.fleet,
      items: [
        { href: paths.agents(), label: m.shell.agents, icon: Server, key: "a", permission: "agents:read" },
        { href: paths.targets(), label: m.shell.targets, icon: Boxes, key: "t", permission: "targets:read" },
      ],
    },
    {
      label: m.shell.administration,
      items: [
        { href: paths.users(), label: m.shell.users, icon: Users, key: "p", permission: "users:read" },
        {
          href: paths.serviceAccounts(),
          label: m.shell.serviceAccounts,
          icon: Bot,
          key: "r",
          permission: "tokens:read",
        },
        { href: paths.limits(), label: m.shell.limits, icon: SlidersHorizontal, key: "l", permission: "system:read" },
        { href: paths.audit(), label: m.shell.audit, icon: ScrollText, key: "u", permission: "audit:read" },
      ],
    },
  ];
  return groups
    .map((group) => ({ ...group, items: group.items.filter((item) => can(item.permission)) }))
    .filter((group) => group.items.length > 0);
}

/** Pages that need something else than the section they lie in. */
const ownPermissions = [
  [paths.serviceAccounts(), "tokens:read"],
  [paths.apiTokens(), "tokens:read"],
  ["/access", "users:read"],
  [paths.enrollmentTokens(), "agents:enroll"],
];

export const allItems = (can: (permission: string) => boolean) => navGroups(can).flatMap((group) => group.items);

/** The permission that a page needs; undefined: none, as for one's own settings. */
export function permissionFor(pathname: string): string | undefined {
  const own = ownPermissions.find(([href]) => isCurrent(href!, pathname));
  return own?.[1] ?? allItems(() => true).find((item) => isCurrent(item.href, pathname))?.permission;
}

/** Whether `href` is the section that `pathname` belongs to. */
export function isCurrent(href: string, pathname: string): boolean {
  return href === "/" ? pathname === "/" : pathname === href || pathname.startsWith(`${href}/`);
}
