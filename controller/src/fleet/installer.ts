// The installer as this controller serves it, and the one line that a person pastes on a host. Called by the install
// route and when a join token is made.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { publicApiAddr, publicUrl } from "../addresses.ts";
import type { Context } from "../context.ts";
import { version } from "../version.ts";

const template = new URL("../../../deploy/agent/install.sh", import.meta.url);

export interface Installer {
  script: string;
  /** Hex. */
  sha256: string;
}

/** The same bytes until an address or a package changes. Waits for the packages, some seconds at the first time. */
export async function makeInstaller(ctx: Context): Promise<Installer> {
  const packages = await ctx.packages.all();
  const filled: Record<string, string> = {
    URL: publicUrl(ctx.config),
    SERVER: publicApiAddr(ctx.config),
    VERSION: version,
    PACKAGES: packages.map(({ platform, sha256 }) => `${platform} ${sha256}`).join("\n"),
  };
  const script = readFileSync(template, "utf8").replace(/@([A-Z]+)@/g, (_, name: string) => quotable(filled[name]!));
  return { script, sha256: createHash("sha256").update(script).digest("hex") };
}

/**
 * Downloads to a private file, checks it against the sha256 that came by another way (the console), then runs it as root.
 * `-k`: the host does not know the cluster's authority yet, so the check of the hash is what counts.
 */
export function joinCommand(ctx: Context, installer: Installer, token: string): string {
  const url = `${publicUrl(ctx.config)}/install.sh`;
  const fetch = `curl -fsS${url.startsWith("https:") ? "k" : ""} '${quotable(url)}' -o "$F"`;
  const check = `echo "${installer.sha256}  $F" | sha256sum -c --quiet -`;
  return `F=$(mktemp) && ${fetch} && ${check} && sudo sh "$F" --join ${token}`;
}

/** Values stand between single quotes in a shell: an address of the configuration cannot hold one. */
function quotable(value: string): string {
  if (value.includes("'")) throw new Error(`${JSON.stringify(value)} cannot be put into a shell script`);
  return value;
}
