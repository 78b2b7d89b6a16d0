// Words of the page of join tokens.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const joinTokens = area({
  title: "Join tokens",
  text: "A token lets one host enrol, once. Only its hash is stored; the command that carries it is shown when it is made.",
  count: (count: number) => plural(count, { one: "token", other: "tokens" }),
  id: "Token",
  state: "State",
  limits: "Limits",
  labels: "Labels",
  created: "Created",
  by: (name: string) => `by ${name}`,
  expires: "Expires",
  usedBy: "Used by",
  anyHost: "any host",
  refused: "A second use was refused",
  revoke: "Revoke",
  revokeTitle: "Revoke this join token?",
  revokeText: "The command that carries it stops working. Hosts that already joined stay.",
  revokeSubmit: "Revoke token",
  revoked: "The token is revoked.",
  empty: "No join tokens",
  emptyText: "Tokens appear here when you add a host.",
});
