// Documents rot quietly. What they name must exist: files, functions, commands.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryFiles, repositoryRoot } from "./tree.ts";

const read = (path: string) => readFileSync(join(repositoryRoot, path), "utf8");
const documents = repositoryFiles().filter((path) => path.endsWith(".md"));

interface Link {
  document: string;
  text: string;
  path: string;
  anchor: string | undefined;
}

function linksOf(document: string): Link[] {
  const text = read(document).replace(/```[\s\S]*?```/g, "");
  return [...text.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)]
    .filter(([, , to]) => !/^[a-z]+:/.test(to!))
    .map(([, label, to]) => {
      const [path, anchor] = to!.split("#") as [string, string | undefined];
      return {
        document,
        text: label!,
        path: path === "" ? document : normalize(join(dirname(document), path)),
        anchor,
      };
    });
}

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

describe("documents", () => {
  const links = documents.flatMap(linksOf);

  it("link to files that exist", () => {
    expect(links.filter(({ path }) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
  });

  it("link to headings that exist", () => {
    const lost = links.filter(({ path, anchor }) => {
      if (anchor === undefined || !path.endsWith(".md")) return false;
      const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1]!));
      return !headings.includes(anchor);
    });
    expect(lost).toEqual([]);
  });

  it("name npm commands that exist", () => {
    const { scripts } = JSON.parse(read("package.json"));
    const named = documents.flatMap((document) =>
      [...read(document).matchAll(/npm run (?:-s )?([a-z0-9:-]+)/g)].map((match) => match[1]!),
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("docs/one-execution.md", () => {
  const links = linksOf("docs/one-execution.md");

  it("walks through the source", () => {
    expect(links.length).toBeGreaterThan(20);
  });

  it.each(links.map((link) => [link.text, link] as const))("%s is where the page says", (_, { text, path }) => {
    const names = [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    expect(names.length, "a link of this page names what is in the file").toBeGreaterThan(0);
    const source = read(path);
    for (const name of names.filter((name) => !name.includes("/"))) expect(declares(source, name)).toBe(true);
  });
});

/** A function, constant, class, type, method, message of proto, or table by that name. */
function declares(source: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const declaration = `(function\\*?|const|let|class|interface|type|message|rpc|table|service)\\s+${escaped}\\b`;
  const member = `^\\s*(async\\s+|private\\s+|readonly\\s+|#)*${escaped}\\s*(\\(|[?]?:|<)`;
  return new RegExp(`${declaration}|${member}`, "m").test(source);
}
