import { invalid } from "@coffer/state-machine";
import type { JwtConfig } from "./storage.js";

/** How providers with ways of their own write groups into one string. */
const SEPARATORS: Readonly<Record<string, string>> = { ibmisam: " ", secureauth: "," };
/** Those of Vault that need requests to the provider's own API. */
const NOT_SUPPORTED: readonly string[] = ["azure", "gsuite"];

/** Throws RequestError 400. */
export function checkProviderConfig(config: Readonly<Record<string, unknown>>): void {
  if (Object.keys(config).length === 0) return;
  const { provider } = config;
  if (typeof provider !== "string") throw invalid("invalid provider_config: 'provider' field not found in provider_config");
  if (NOT_SUPPORTED.includes(provider)) throw invalid(`invalid provider_config: provider ${JSON.stringify(provider)} is not supported; without provider_config, claims of its tokens can be used`);
  if (!Object.hasOwn(SEPARATORS, provider)) throw invalid(`invalid provider_config: provider ${JSON.stringify(provider)} not found in custom providers`);
}

/** What the groups claim says, as a list where the provider wrote one string. */
export function groupSplitter({ provider_config: { provider } }: JwtConfig): (value: unknown) => unknown {
  const separator = typeof provider === "string" && Object.hasOwn(SEPARATORS, provider) ? SEPARATORS[provider] : undefined;
  return (value) => (separator !== undefined && typeof value === "string" ? value.split(separator) : value);
}
