// Which addresses the controller may connect to when others have a say in where: webhooks, and what a provider of sign-on
// names in its discovery document. Pure. Addresses that wrap others (mapped, NAT64, 6to4) are judged by what they wrap.
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Nothing that anybody could mean: link-local (metadata services of clouds), multicast, unspecified, reserved. */
const never = listOf([
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["::", 128],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
  ["100::", 64],
]);
/** Inside: allowed only to a host that the operator named. */
const inside = listOf([
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["::1", 128],
  ["fc00::", 7],
  ["2001:db8::", 32],
]);

export type AddressKind = "public" | "inside" | "never";

export function addressKind(address: string): AddressKind {
  const plain = unwrapped(address);
  const family = isIPv4(plain) ? "ipv4" : isIPv6(plain) ? "ipv6" : undefined;
  if (family === undefined || never.check(plain, family)) return "never";
  return inside.check(plain, family) ? "inside" : "public";
}

function listOf(networks: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, isIPv4(network) ? "ipv4" : "ipv6");
  return list;
}

/** The IPv4 address in an IPv6 one that leads to it (RFC 4291 2.5.5, RFC 6052, RFC 3056); others as they are. */
function unwrapped(address: string): string {
  const bare = address.split("%")[0]!;
  if (!isIPv6(bare)) return bare;
  const words = wordsOf(bare);
  const zeros = (from: number, to: number) => words.slice(from, to).every((word) => word === 0);
  if (zeros(0, 5) && words[5] === 0xffff) return dotted(words[6]!, words[7]!);
  if (zeros(0, 6) && (words[6] !== 0 || words[7]! > 1)) return dotted(words[6]!, words[7]!);
  if (words[0] === 0x64 && words[1] === 0xff9b) return dotted(words[6]!, words[7]!);
  if (words[0] === 0x2002) return dotted(words[1]!, words[2]!);
  return bare;
}

function wordsOf(address: string): number[] {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((word) => word.toString(16)).join(":"),
  );
  const [head, tail] = text.split("::").map((part) => part.split(":").filter(Boolean));
  const filled = tail ? [...head!, ...Array(8 - head!.length - tail.length).fill("0"), ...tail] : head!;
  return filled.map((word) => Number.parseInt(word, 16));
}

const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join(".");
