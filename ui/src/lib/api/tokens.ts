// Requests of API tokens and service accounts.
import { request } from "./request.ts";
import type {
  ApiToken,
  ApiTokenInput,
  CreatedApiToken,
  OwnTokens,
  Page,
  ServiceAccount,
  ServiceAccountInput,
  ServiceAccountPage,
  ServiceAccountPatch,
} from "./types.ts";

const account = (idOrName: string, rest = "") => `service-accounts/${encodeURIComponent(idOrName)}${rest}`;

export const listOwnTokens = (signal?: AbortSignal) => request<OwnTokens>("GET", "auth/tokens", { signal });
export const listTokens = (owner: string | undefined, signal?: AbortSignal) =>
  request<Page<ApiToken>>("GET", "tokens", { query: { limit: 1000, owner }, signal });
/** `owner` undefined: for oneself. */
export const createToken = (owner: string | undefined, body: ApiTokenInput) =>
  request<CreatedApiToken>("POST", owner ? account(owner, "/tokens") : "auth/tokens", { body });
export const revokeToken = (own: boolean, id: string) =>
  request<void>("DELETE", `${own ? "auth/" : ""}tokens/${encodeURIComponent(id)}`);

export const listServiceAccounts = (signal?: AbortSignal) =>
  request<ServiceAccountPage>("GET", "service-accounts", { query: { limit: 1000 }, signal });
export const createServiceAccount = (body: ServiceAccountInput) =>
  request<ServiceAccount>("POST", "service-accounts", { body });
export const updateServiceAccount = (id: string, revision: number | undefined, body: ServiceAccountPatch) =>
  request<ServiceAccount>("PATCH", account(id), { body, revision });
