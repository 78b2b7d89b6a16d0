// The agent's version, as its package names it; the bundler puts it into the packaged file.
import manifest from "../package.json" with { type: "json" };

export const version: string = manifest.version;
