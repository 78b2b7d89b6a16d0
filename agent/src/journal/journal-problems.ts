// The two troubles of a journal that are more than a bug: the runner and main tell them apart by these classes.

/** What is on disk is not what was written. A person has to decide: going on could start a step twice. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
  readonly what: string;

  constructor(what: string, options?: ErrorOptions) {
    super(`The journal is damaged: ${what}.`, options);
    this.what = what;
  }
}

/** No space: nothing of the commit stays, the journal is as it was, and the same commit may be tried again later. */
export class JournalFull extends Error {
  override readonly name = "JournalFull";
}
