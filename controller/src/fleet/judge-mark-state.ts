// Whether an agent has heard of a history that this database does not have. Pure; called by database-mark.ts.

export interface HeardMark {
  systemId: string;
  generation: number;
  position: bigint;
  life: string;
}

export interface HereMark extends HeardMark {
  /** Of the life that the agent names; undefined when this database never had it. `next`: where the life after it began. */
  heardLife: { next: bigint | null } | undefined;
}

/** Undefined: everything that the agent was ever told is part of this database. Else why not, for people. */
export function reasonForBeingOlder(heard: HeardMark, here: HereMark): string | undefined {
  if (heard.systemId !== here.systemId) return "it was told by another PostgreSQL server than this one";
  if (heard.generation > here.generation) return "it was told of a later restore than this database knows";
  if (!here.heardLife) return "it was told by a run of PostgreSQL that this database has no memory of";
  const end = heard.life === here.life ? here.position : here.heardLife.next;
  return end !== null && heard.position > end ? "it was told of changes that this database does not have" : undefined;
}
