// A restored database that waits to be accepted.

export const database = {
  title: "Work is paused",
  text: "This database is older than its agents remember: it was restored from a backup. Nothing new is started until somebody accepts it; steps that run go on.",
  foundBy: (who: string) => `Found by ${who},`,
  look: "Look and accept…",
  ask: "Ask an administrator to look.",
};
