// Walks a YAML tree into plain values and notes where each stood. Used by yaml-document.ts instead of the library's
// `toJS`: own limits, no cycles, and a place for every value. Pure.
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node } from "yaml";

/** Values after aliases are expanded: an alias bomb stops here, a long job does not come near. */
const maxValues = 50_000;
const maxDepth = 40;

export type Path = readonly (string | number)[];

/** Offsets into the source. */
export interface Place {
  value: number;
  key: number | undefined;
  /** Start of a scalar's text, when the source has the text as it is. */
  text: number | undefined;
}

interface Pair {
  key: unknown;
  value: unknown;
}

export class YamlValues {
  /** Why reading stopped: the first thing that cannot be a job. */
  refusal: { path: Path; message: string; offset: number } | undefined;
  private readonly source: string;
  private readonly document: Document;
  private readonly places: Map<string, Place>;
  private readonly open = new Set<Node>();
  /** The library resolves an alias by visiting the whole document; thousands of aliases would take minutes. */
  private readonly anchors = new Map<string, Node>();
  private expanding = 0;
  private values = 0;

  constructor(source: string, document: Document, places: Map<string, Place>) {
    this.source = source;
    this.document = document;
    this.places = places;
  }

  read(): unknown {
    return this.value(this.document.contents as Node, [], undefined);
  }

  private refuse(node: Node, path: Path, message: string): undefined {
    this.refusal ??= { path, message, offset: node.range?.[0] ?? 0 };
    return undefined;
  }

  private value(node: Node | null, path: Path, key: number | undefined): unknown {
    if (this.refusal) return undefined;
    if (!node) return null;
    if (++this.values > maxValues) return this.refuse(node, path, "aliases expand to more values than a job can have");
    if (path.length > maxDepth) return this.refuse(node, path, "nested too deeply to be a job");
    this.places.set(JSON.stringify(path), { value: node.range?.[0] ?? 0, key, text: this.textStart(node) });
    if (isAlias(node)) return this.alias(node, path, key);
    const anchor = (node as { anchor?: string }).anchor;
    if (anchor && this.expanding === 0) this.anchors.set(anchor, node);
    if (isScalar(node)) return this.scalar(node.value, node, path);
    this.open.add(node);
    const result = isMap(node) ? this.mapping(node, path) : isSeq(node) ? this.list(node, path) : undefined;
    this.open.delete(node);
    return result;
  }

  private scalar(value: unknown, node: Node, path: Path): unknown {
    if (typeof value !== "string") return value;
    if (value.includes("\0"))
      return this.refuse(node, path, "a NUL character cannot be passed to a program; remove it");
    if (!value.isWellFormed()) return this.refuse(node, path, "this text is broken: half of a surrogate pair");
    return value;
  }

  private list(node: { items: unknown[] }, path: Path): unknown[] {
    return node.items.map((item, index) => this.value(item as Node, [...path, index], undefined));
  }

  private mapping(node: { items: Pair[] }, path: Path): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const pair of node.items) {
      const key = pair.key as Node;
      const name = this.keyName(key, path);
      if (name === undefined) return result;
      // The parser compares keys by type: 1 and "1" are two keys to it and one to us.
      if (Object.hasOwn(result, name)) this.refuse(key, path, "this key stands twice in the same mapping; keep one");
      const start = key.range?.[0] ?? 0;
      const value = this.value(pair.value as Node | null, [...path, name], start);
      // A key without a value has no node: its place is the key's.
      if (!pair.value) this.places.set(JSON.stringify([...path, name]), { value: start, key: start, text: undefined });
      // defineProperty, because a key called __proto__ must be a key like any other.
      Object.defineProperty(result, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return result;
  }

  private keyName(node: Node, path: Path): string | undefined {
    if (!isScalar(node) || node.value === null || typeof node.value === "object") {
      return this.refuse(node, path, "a key must be a plain word");
    }
    if (node.value === "<<") return this.refuse(node, path, "merge keys (<<) are not read; write the keys out");
    return String(this.scalar(node.value, node, path));
  }

  private alias(node: Alias, path: Path, key: number | undefined): unknown {
    const target = this.anchors.get(node.source);
    if (!target) return this.refuse(node, path, `there is no anchor &${node.source} before this alias`);
    if (this.open.has(target)) return this.refuse(node, path, `the alias *${node.source} contains itself`);
    this.expanding++;
    const value = this.value(target, path, key);
    this.expanding--;
    return value;
  }

  private textStart(node: Node): number | undefined {
    if (!isScalar(node) || typeof node.value !== "string" || !node.range || node.value === "") return undefined;
    const [start, end] = node.range;
    const found = this.source.slice(start, end).indexOf(node.value);
    return found < 0 ? undefined : start + found;
  }
}
