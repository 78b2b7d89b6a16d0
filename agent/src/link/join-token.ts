// The text that a person carries from the console to a host: `oc1.<id>.<secret>.<pin>[.<next pin>]`. Pure.

export interface JoinToken {
  id: string;
  secret: Buffer;
  /** base64url sha256 of public keys: one of them is the authority to trust. */
  pins: string[];
}

export class BadJoinToken extends Error {
  override readonly name = "BadJoinToken";
}

export function parseJoinToken(text: string): JoinToken {
  const [version, id = "", secret = "", ...pins] = text.trim().split(".");
  const bytes = Buffer.from(secret, "base64url");
  const wellFormed =
    version === "oc1" && /^\w{1,64}$/.test(id) && bytes.length === 32 && pins.length >= 1 && pins.every(isSha256);
  if (!wellFormed)
    throw new BadJoinToken("This is not a join token: copy it again from the console, it begins with oc1.");
  return { id, secret: bytes, pins };
}

function isSha256(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}
