// MD4 (RFC 1320), which OpenSSL has put away, and which NTLM makes its keys with. Used by ntlm.ts for nothing else.
const words = 16;

export function md4(message: Buffer): Buffer {
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  const padded = pad(message);
  for (let at = 0; at < padded.length; at += 64) {
    const block = Uint32Array.from({ length: words }, (_, index) => padded.readUInt32LE(at + index * 4));
    const before = state.slice();
    for (const round of rounds) apply(round, state, block);
    for (const index of before.keys()) state[index]! += before[index]!;
  }
  const digest = Buffer.alloc(16);
  for (const [index, word] of state.entries()) digest.writeUInt32LE(word, index * 4);
  return digest;
}

interface Round {
  mix: (x: number, y: number, z: number) => number;
  add: number;
  order: readonly number[];
  turns: readonly number[];
}

const rounds: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    ...{ add: 0, turns: [3, 7, 11, 19] },
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    ...{ add: 0x5a827999, turns: [3, 5, 9, 13] },
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    ...{ add: 0x6ed9eba1, turns: [3, 9, 11, 15] },
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
  },
];

/** Each step changes the first of the four, which then goes to the end. */
function apply({ mix, add, order, turns }: Round, state: Uint32Array, block: Uint32Array): void {
  for (const [step, word] of order.entries()) {
    const [a, b, c, d] = [0, 1, 2, 3].map((index) => state[(index + 16 - step) % 4]!) as [
      number,
      number,
      number,
      number,
    ];
    const sum = (a + mix(b, c, d) + block[word]! + add) >>> 0;
    const turn = turns[step % 4]!;
    state[(16 - step) % 4] = (sum << turn) | (sum >>> (32 - turn));
  }
}

function pad(message: Buffer): Buffer {
  const length = Math.ceil((message.length + 9) / 64) * 64;
  const padded = Buffer.alloc(length);
  message.copy(padded);
  padded[message.length] = 0x80;
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, length - 8);
  return padded;
}
