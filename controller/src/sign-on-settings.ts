// The part of the configuration about sign-on with an OpenID provider. Used by config.ts.
import { z } from "zod";
import { isLoopback } from "./is-loopback.ts";
import { flag, setting } from "./setting.ts";

const oidcIssuer = z
  .url({ protocol: /^https?$/, error: "must be the address of an OpenID provider, as its discovery document has it" })
  .refine((text) => {
    if (!URL.canParse(text)) return true; // told already
    const { protocol, hostname, search, hash } = new URL(text);
    return (protocol === "https:" || isLoopback(hostname.replace(/^\[|\]$/g, ""))) && search === "" && hash === "";
  }, "must be https (http only on loopback), without query and fragment");

/** `group=role; group=role`: a group's name may hold commas and equals signs, as in LDAP. */
const roleMapping = z.string().transform((text, ctx): { group: string; role: string }[] => {
  const entries = text.split(";").filter((entry) => entry.trim() !== "");
  const pairs = entries.map((entry) => /^\s*(.+?)\s*=\s*([^\s=]+)\s*$/.exec(entry));
  const wrong = entries.find((_, i) => !pairs[i]);
  if (wrong === undefined) return pairs.map((pair) => ({ group: pair![1]!, role: pair![2]! }));
  ctx.addIssue({
    code: "custom",
    message: `must be group=role, several separated by semicolons; ${wrong.trim()} is not`,
  });
  return z.NEVER;
});
const claim = z.string().regex(/^[^\s]{1,128}$/, "must be the name of a claim");

export const signOnSettings = {
  oidcIssuer: setting(
    oidcIssuer.optional(),
    "OC_OIDC_ISSUER",
    "Issuer address of the OpenID provider with which people may sign in. Without it there are local accounts only.",
  ),
  oidcClientId: setting(z.string().optional(), "OC_OIDC_CLIENT_ID", "This controller's client id at the provider."),
  oidcClientSecret: setting(
    z.string().optional(),
    "OC_OIDC_CLIENT_SECRET",
    "The client's secret. Without it the client is a public one, which PKCE alone protects.",
    true,
  ),
  oidcName: setting(
    z.string().max(40, "must have at most 40 characters").default("single sign-on"),
    "OC_OIDC_NAME",
    "What the button of the sign-in page calls the provider.",
  ),
  oidcScopes: setting(
    z
      .string()
      .regex(/(^|\s)openid(\s|$)/, "must contain openid")
      .default("openid profile email"),
    "OC_OIDC_SCOPES",
    "Scopes that are asked for, separated by spaces.",
  ),
  oidcUsernameClaim: setting(
    claim.default("preferred_username"),
    "OC_OIDC_USERNAME_CLAIM",
    "Claim that names a new account; see OC_OIDC_CREATE_USERS.",
  ),
  oidcGroupsClaim: setting(
    claim.default("groups"),
    "OC_OIDC_GROUPS_CLAIM",
    "Claim with the groups of a person, dotted where it lies deeper (realm_access.roles).",
  ),
  oidcRoles: setting(
    roleMapping.prefault(""),
    "OC_OIDC_ROLES",
    "Which group has which role, for example ops-admins=admin; ops=operator. At every sign-in with the provider the roles " +
      "named here follow the groups; other roles stay as they were given.",
  ),
  oidcDefaultRole: setting(
    z.string().optional(),
    "OC_OIDC_DEFAULT_ROLE",
    "Role of whoever has none after that. Who has none is refused when not set.",
  ),
  oidcCreateUsers: setting(
    flag.prefault("0"),
    "OC_OIDC_CREATE_USERS",
    "1: who signs in with the provider for the first time gets an account. Otherwise only accounts that were connected.",
  ),
};

type SignOnConfig = z.output<z.ZodObject<typeof signOnSettings>>;

/** What does not fit together, as sentences. */
export function signOnContradictions(config: SignOnConfig): string[] {
  const found: string[] = [];
  if (config.oidcIssuer && !config.oidcClientId) found.push("OC_OIDC_CLIENT_ID must be set when OC_OIDC_ISSUER is");
  if (config.oidcClientId && !config.oidcIssuer) found.push("OC_OIDC_ISSUER must be set when OC_OIDC_CLIENT_ID is");
  if (config.oidcIssuer && config.oidcCreateUsers && config.oidcRoles.length === 0 && !config.oidcDefaultRole)
    found.push(
      "OC_OIDC_ROLES or OC_OIDC_DEFAULT_ROLE must be set when OC_OIDC_CREATE_USERS is, or new accounts have no role",
    );
  return found;
}
