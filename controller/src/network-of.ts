// Whom an address counts for where callers are counted: itself in IPv4, its /64 in IPv6, which one host or customer owns
// whole. Pure; used by the limits on sign-ins and enrolments.

export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  // "::" stands for as many zeros as are missing: 2001:db8::5 and 2001:db8::6 are of one /64.
  const zeros = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter((g) => g !== "").length;
  return [...groups, ...Array.from({ length: Math.max(0, zeros) }, () => "0")].slice(0, 4).join(":");
}
