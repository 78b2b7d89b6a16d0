// The text that a person carries to a host: `oc1.<id>.<secret>.<pin>`. Made by create-enrollment-token.ts; the agent
// reads it with its own parser. Pure.

export interface JoinToken {
  id: string;
  /** 32 random bytes. */
  secret: Uint8Array;
  /** base64url sha256 of the public key of the authority to trust. */
  pin: string;
}

export function formatJoinToken(token: JoinToken): string {
  return `oc1.${token.id}.${Buffer.from(token.secret).toString("base64url")}.${token.pin}`;
}
