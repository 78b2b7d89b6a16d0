// Groups of targets: the tree beside the inventory, and the groups of one target.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const groups = area({
  title: "Groups",
  tree: "Groups of targets",
  all: "All targets",
  none: "No groups yet. A group collects targets for selectors and rights.",
  show: "Groups",
  add: "Add a group",
  addBelow: "Add a group below",
  edit: "Change or move",
  expand: (name: string) => `Show the groups below ${name}`,
  collapse: (name: string) => `Hide the groups below ${name}`,
  actionsOf: (name: string) => `Actions for the group ${name}`,
  count: (count: number) => plural(count, { one: "target", other: "targets" }),
  form: {
    createTitle: "Add a group",
    editTitle: (name: string) => `Change ${name}`,
    name: "Name",
    nameHint: "Selectors name it: group=… means it with everything below it.",
    nameWrong: "Use letters, digits, dot, dash and underscore; start and end with a letter or digit.",
    parent: "Below",
    parentNone: "No other group",
    parentHint: "Who has rights in a group has them in all groups below it.",
    description: "Description",
    create: "Add group",
    save: "Save changes",
    created: (name: string) => `The group ${name} is added.`,
    saved: (name: string) => `The group ${name} is saved.`,
  },
  delete: {
    title: (name: string) => `Delete the group ${name}?`,
    text: "Its targets stay in the inventory. Jobs whose selector names this group find nothing by it any more.",
    submit: "Delete group",
    done: (name: string) => `The group ${name} is deleted.`,
  },
  assign: {
    action: "Put into a group",
    title: (count: number) => `Put ${plural(count, { one: "target", other: "targets" })} into a group`,
    group: "Group",
    noGroups: "There is no group yet: add one first.",
    noneYours: "None of the groups is yours to change: ask who keeps the inventory.",
    submit: "Put into the group",
    takeOut: "Take out of the group",
    done: (count: number, group: string) => `${plural(count, { one: "target is", other: "targets are" })} in ${group}.`,
    out: (count: number, group: string) =>
      `${plural(count, { one: "target is", other: "targets are" })} not in ${group} any more.`,
  },
  ofTarget: {
    none: "In no group.",
    change: "Change groups",
    title: (name: string) => `Groups of ${name}`,
    save: "Save groups",
    saved: (name: string) => `The groups of ${name} are saved.`,
  },
});
