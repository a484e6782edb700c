import { invalid } from "@coffer/state-machine";
import type { Claims } from "../web-tokens/signature.js";
import { azureGroups } from "./azure.js";
import { askGoogle, checkGoogle } from "./google.js";
import type { JwtConfig, JwtRole } from "./storage.js";

/** How providers with ways of their own write groups into one string. */
const SEPARATORS: Readonly<Record<string, string>> = { ibmisam: " ", secureauth: "," };
const SECRET = "gsuite_service_account";

/** Throws RequestError 400. */
export function checkProviderConfig(config: Readonly<Record<string, unknown>>): void {
  if (Object.keys(config).length === 0) return;
  const { provider } = config;
  if (typeof provider !== "string") throw invalid("invalid provider_config: 'provider' field not found in provider_config");
  if (provider === "gsuite") checkGoogle(config);
  else if (provider !== "azure" && !Object.hasOwn(SEPARATORS, provider)) throw invalid(`invalid provider_config: provider ${JSON.stringify(provider)} not found in custom providers`);
}

/** Without what is secret in it. */
export const shownProviderConfig = (config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => Object.fromEntries(Object.entries(config).filter(([name]) => name !== SECRET));

/** What the groups claim says, as a list where the provider wrote one string. */
export function groupSplitter({ provider_config: { provider } }: JwtConfig): (value: unknown) => unknown {
  const separator = typeof provider === "string" && Object.hasOwn(SEPARATORS, provider) ? SEPARATORS[provider] : undefined;
  return (value) => (separator !== undefined && typeof value === "string" ? value.split(separator) : value);
}

export interface Asked {
  readonly claims: Claims;
  /** Undefined: the groups are those of the claim. */
  readonly groups?: unknown;
}

/** What the provider's own API adds to the claims. Throws TokenRefused. `now` in milliseconds. */
export async function askProvider(config: JwtConfig, role: JwtRole, claims: Claims, accessToken: string | undefined, now: number): Promise<Asked> {
  const { provider } = config.provider_config;
  if (provider === "azure") return { claims, groups: await azureGroups(config, role, claims, accessToken) };
  return provider === "gsuite" ? askGoogle(config, role, claims, now) : { claims };
}
