// How urgent an execution may be, the least urgent first. Pure; used by the schemas, the controller and the console.

export const priorities = ["low", "normal", "high"] as const;
export type Priority = (typeof priorities)[number];
