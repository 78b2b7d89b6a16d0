// The configuration as one schema; placeholder type until the schema lands in the next commit.
export interface Config {
  dataDir: string;
}
