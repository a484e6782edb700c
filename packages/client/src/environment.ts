import { parseDuration } from "./duration.js";
import { ClientSetupError } from "./errors.js";
import type { ClientOptions } from "./options.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of Vault's clients that this one does not act on. Callers may want to say so. */
const IGNORED = ["VAULT_HTTP_PROXY", "VAULT_PROXY_ADDR", "VAULT_SRV_LOOKUP", "VAULT_RATE_LIMIT"] as const;

/**
 * Client options from VAULT_* variables. Throws ClientSetupError where a value does not parse: a misspelt
 * timeout should not silently become the default one.
 */
export function fromEnvironment(env: Environment = process.env): ClientOptions {
  const options: Record<string, unknown> = {};
  const take = (name: string, key: keyof ClientOptions, parse: (text: string) => unknown = (text) => text): void => {
    const text = env[name];
    if (text !== undefined && text !== "") options[key] = parse(text);
  };
  take("VAULT_ADDR", "address");
  take("VAULT_AGENT_ADDR", "address");
  take("VAULT_TOKEN", "token", (text) => text.trim());
  take("VAULT_CACERT", "caCert");
  take("VAULT_CACERT_BYTES", "caCertPem");
  take("VAULT_CAPATH", "caPath");
  take("VAULT_CLIENT_CERT", "clientCert");
  take("VAULT_CLIENT_KEY", "clientKey");
  take("VAULT_SKIP_VERIFY", "skipVerify", (text) => boolean("VAULT_SKIP_VERIFY", text));
  take("VAULT_TLS_SERVER_NAME", "tlsServerName");
  take("VAULT_CLIENT_TIMEOUT", "timeoutMs", (text) => Math.round(duration("VAULT_CLIENT_TIMEOUT", text) * 1000));
  take("VAULT_MAX_RETRIES", "maxRetries", (text) => count("VAULT_MAX_RETRIES", text));
  take("VAULT_NAMESPACE", "namespace");
  take("VAULT_WRAP_TTL", "wrapTtl");
  take("VAULT_MFA", "mfa", (text) => text.split(",").map((part) => part.trim()));
  take("VAULT_DISABLE_REDIRECTS", "followRedirects", (text) => !boolean("VAULT_DISABLE_REDIRECTS", text));
  return options as ClientOptions;
}

/** Names of the variables that are set but not acted on. */
export function ignoredVariables(env: Environment = process.env): string[] {
  return IGNORED.filter((name) => (env[name] ?? "") !== "");
}

function boolean(name: string, text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new ClientSetupError(`could not parse ${name}: "${text}" is neither true nor false`);
}

function duration(name: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds < 0) throw new ClientSetupError(`could not parse ${name}: "${text}" is not a duration such as 60s or 2m`);
  return seconds;
}

function count(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new ClientSetupError(`could not parse ${name}: "${text}" is not a whole number`);
  return Number(text);
}
