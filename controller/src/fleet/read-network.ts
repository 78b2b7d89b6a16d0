// A network as a join token may be bound to, in the form that PostgreSQL takes. Pure; used by create-enrollment-token.ts.
import { isIP } from "node:net";

/** "10.0.0.0/8" or "2001:db8::/32"; an address alone is a network of one. Undefined for anything else. */
export function readNetwork(text: string): string | undefined {
  const match = /^([0-9a-f.:]{2,45})(?:\/(\d{1,3}))?$/i.exec(text);
  const family = isIP(match?.[1] ?? "");
  if (!match || family === 0) return undefined;
  const width = family === 4 ? 32 : 128;
  const length = match[2] === undefined ? width : Number(match[2]);
  const [address, hostBits] = [match[1]!, BigInt(width - length)];
  if (length > width || numberOf(address, family) % (1n << hostBits) !== 0n) return undefined;
  return `${address}/${length}`;
}

function numberOf(address: string, family: number): bigint {
  if (family === 4) return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  // The URL parser knows every spelling, IPv4 at the end included, and gives one back: groups in hex and at most one "::".
  const [head, tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}
