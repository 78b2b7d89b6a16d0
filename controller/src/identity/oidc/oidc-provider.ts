// The OpenID provider of the configuration: what its discovery document says, found at the start and every hour, and
// tried again while it is away. Local accounts work without it. Reached as `ctx.identity.oidc`; in main.ts's list.

import { createRemoteJWKSet, type JWTVerifyGetKey, customFetch as jwksFetch } from "jose";
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  Configuration as OidcConfiguration,
  type ServerMetadata,
} from "openid-client";
import { Gauge } from "prom-client";
import type { Config } from "../../config.ts";
import type { Context } from "../../context.ts";
import type { PartHealth } from "../../health.ts";
import { outboundFetch } from "../../outbound-fetch.ts";
import type { Service } from "../../service.ts";
import { startLoop } from "../../start-loop.ts";
import { signOnRoleTrouble } from "./missing-roles.ts";
import { OidcRefused } from "./oidc-refusal.ts";
import { certificateTrouble, clientRefusal, explain } from "./provider-trouble.ts";

type Needed = Pick<Config, "oidcIssuer" | "oidcClientId" | "oidcClientSecret">;

const everyMs = 30_000;
/** A provider that works is asked anew this often: endpoints move. */
const staleMs = 3_600_000;
const timeoutSeconds = 8;
/** Whoever sends tokens with invented keys makes us ask the provider no more often than this. */
const keysEveryMs = 10_000;

export class OidcProvider {
  readonly issuer: string;
  readonly #config: Needed;
  #found: { metadata: ServerMetadata; at: number } | undefined;
  #keys: { uri: string; get: JWTVerifyGetKey } | undefined;
  #trouble: string | undefined = "has not been asked yet";
  #refusal: string | undefined;

  constructor(config: Needed & { oidcIssuer: string }) {
    this.issuer = config.oidcIssuer;
    this.#config = config;
  }

  /** Why nobody can sign in with it at the moment. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Why it lets nobody in although it answers: only a sign-in shows that, and only one that works ends it. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** What came of asking it for tokens; `error` is undefined when they were given. */
  note(error: unknown): void {
    const code = clientRefusal(error);
    if (error === undefined) this.#refusal = undefined;
    else if (code)
      this.#refusal = `the provider refuses this client (${code}): correct OC_OIDC_CLIENT_ID or OC_OIDC_CLIENT_SECRET`;
    else this.#trouble = certificateTrouble(error) ?? this.#trouble;
  }

  get endSessionEndpoint(): string | undefined {
    return this.#found?.metadata.end_session_endpoint;
  }

  /** Throws when the provider cannot be reached, or is another one than its address says. */
  async discover(): Promise<void> {
    const { oidcClientId, oidcClientSecret } = this.#config;
    try {
      const found = await discovery(new URL(this.issuer), oidcClientId!, oidcClientSecret, this.#authentication(), {
        execute: this.#rules(),
        timeout: timeoutSeconds,
        [customFetch]: this.#fetch(),
      });
      this.#found = { metadata: found.serverMetadata(), at: performance.now() };
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = explain(error);
      throw error;
    }
  }

  get isStale(): boolean {
    return this.#trouble !== undefined || !this.#found || performance.now() - this.#found.at > staleMs;
  }

  /** For one sign-in: with keys that are fetched anew, so that a rotation at the provider is never met with old ones. */
  async client(): Promise<Configuration> {
    if (!this.#found) await this.discover();
    const { oidcClientId, oidcClientSecret } = this.#config;
    const metadata = this.#found!.metadata;
    const client = new OidcConfiguration(metadata, oidcClientId!, oidcClientSecret, this.#authentication(metadata));
    client.timeout = timeoutSeconds;
    client[customFetch] = this.#fetch();
    for (const rule of this.#rules()) rule(client);
    return client;
  }

  /** The keys that sign what the provider sends by itself. Fetched again for an unknown one, and then not for a while. */
  async keys(): Promise<JWTVerifyGetKey> {
    if (!this.#found) await this.discover();
    const uri = this.#found!.metadata.jwks_uri;
    if (!uri) throw new Error("The provider publishes no keys (jwks_uri)");
    if (this.#keys?.uri !== uri) {
      const options = {
        [jwksFetch]: this.#fetch(),
        timeoutDuration: timeoutSeconds * 1000,
        cooldownDuration: keysEveryMs,
      };
      this.#keys = { uri, get: createRemoteJWKSet(new URL(uri), options) };
    }
    return this.#keys.get;
  }

  #authentication(metadata?: ServerMetadata) {
    const secret = this.#config.oidcClientSecret;
    if (secret === undefined) return None();
    const offered = metadata?.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return offered.includes("client_secret_basic") ? ClientSecretBasic(secret) : ClientSecretPost(secret);
  }

  /** The signature of ID tokens is checked although they come by TLS; plain HTTP is for loopback, see outbound-fetch.ts. */
  #rules(): ((client: Configuration) => void)[] {
    const isPlain = this.issuer.startsWith("http:");
    return [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])];
  }

  #fetch(): typeof fetch {
    const host = new URL(this.issuer).hostname.replace(/^\[|\]$/g, "");
    return outboundFetch({ trustedHosts: new Set([host]) }) as unknown as typeof fetch;
  }
}

/** For one sign-in; refused when the provider is away. */
export async function clientOf(provider: OidcProvider): Promise<Configuration> {
  try {
    return await provider.client();
  } catch (cause) {
    throw new OidcRefused(certificateTrouble(cause) ? "untrusted" : "unavailable", { cause });
  }
}

export const oidcProvider: Service = {
  name: "sign-on provider",
  start(ctx) {
    const { config } = ctx;
    if (!config.oidcIssuer) return { stop() {} };
    const provider = new OidcProvider({ ...config, oidcIssuer: config.oidcIssuer });
    ctx.identity.oidc = provider;
    showProvider(ctx, provider);
    let told: string | undefined;
    const loop = startLoop(ctx, "identity.oidc", everyMs, async () => {
      told = await warnOfRoles(ctx, told);
      await refresh(ctx, provider);
    });
    return { stop: () => loop };
  },
};

/** In the log when it changes; in health as long as it is so. */
async function warnOfRoles(ctx: Context, told: string | undefined): Promise<string | undefined> {
  const trouble = await signOnRoleTrouble(ctx);
  if (trouble !== told && trouble) ctx.log.warn({ trouble }, "sign_on.role_missing");
  return trouble;
}

/** Nobody can sign in with it at the moment: it is away, or refuses us. */
const whyNot = ({ trouble, refusal }: OidcProvider) => trouble ?? refusal;

async function healthOf(ctx: Context, provider: OidcProvider): Promise<PartHealth> {
  const trouble = whyNot(provider);
  if (trouble) return { status: "degraded", detail: `${trouble}; people sign in with their local passwords meanwhile` };
  const roles = await signOnRoleTrouble(ctx);
  return roles ? { status: "degraded", detail: roles } : { status: "ok" };
}

/** In health and the figures, as soon as there is a provider. */
export function showProvider(ctx: Context, provider: OidcProvider): void {
  ctx.health.set("sign-on", () => healthOf(ctx, provider));
  new Gauge({
    name: "oc_sign_on_provider_up",
    help: "1 while people can sign in with the OpenID provider",
    registers: [ctx.metrics],
    collect() {
      this.set(whyNot(provider) === undefined ? 1 : 0);
    },
  });
}

/** Told in the log when it changes, and not every half minute. */
async function refresh({ log }: Context, provider: OidcProvider): Promise<void> {
  if (!provider.isStale) return;
  const before = provider.trouble;
  await provider.discover().catch(() => undefined); // provider.trouble says it
  const { issuer, trouble } = provider;
  if (trouble === before) return;
  if (trouble) log.warn({ issuer, trouble }, "sign_on.provider_away");
  else log.info({ issuer }, "sign_on.provider_found");
}
