// What an error on the way to the provider means for operators and for people. Pure. Called by oidc-provider.ts and
// finish-oidc.ts.
import { ResponseBodyError, WWWAuthenticateChallengeError } from "openid-client";

/** Of Node and OpenSSL: the provider answered, and nobody can tell that it is the provider. */
const certificateTroubles: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "signed itself",
  SELF_SIGNED_CERT_IN_CHAIN: "is of an authority that is not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "is of an authority that is not trusted here, or comes without its chain",
  UNABLE_TO_GET_ISSUER_CERT: "is of an authority that is not trusted here, or comes without its chain",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "is of an authority that is not trusted here, or comes without its chain",
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  CERT_REVOKED: "was revoked",
  INVALID_PURPOSE: "is not one for servers",
  ERR_TLS_CERT_ALTNAME_INVALID: "is for another name",
};
const untrusted = /signed itself|not trusted/;

/** Undefined when the certificate is not what is wrong. */
export function certificateTrouble(error: unknown): string | undefined {
  const what = chainOf(error)
    .map((each) => certificateTroubles[String(Reflect.get(each, "code"))])
    .find((text) => text !== undefined);
  if (what === undefined) return undefined;
  const remedy = untrusted.test(what)
    ? "if it is right, name a file with the certificate of its authority in NODE_EXTRA_CA_CERTS and start again"
    : "the provider needs another one; look at the clocks, too";
  return `the certificate of the provider ${what}: ${remedy}`;
}

/** The provider's own code when it does not take our client id or secret. Only its token endpoint is believed in this. */
export function clientRefusal(error: unknown): string | undefined {
  const code = refusalCode(error);
  return code === "invalid_client" || code === "unauthorized_client" ? code : undefined;
}

/** Providers say it in the body, or in a header when the client proved itself in one. */
export function refusalCode(error: unknown): string | undefined {
  if (error instanceof ResponseBodyError) return error.error;
  return error instanceof WWWAuthenticateChallengeError ? error.cause[0]?.parameters.error : undefined;
}

/** No answer, as against one that is wrong. */
export function isAway(error: unknown): boolean {
  return chainOf(error).some(
    (each) =>
      each.name === "TimeoutError" ||
      /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOST|ENET)/.test(`${Reflect.get(each, "code")}`),
  );
}

/** For operators: the outermost words are often "something went wrong". */
export function explain(error: unknown): string {
  const certificate = certificateTrouble(error);
  if (certificate) return certificate;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

function chainOf(error: unknown): Error[] {
  return error instanceof Error ? [error, ...chainOf(error.cause)] : [];
}
