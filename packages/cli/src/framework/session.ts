import { createClient, fromEnvironment, ignoredVariables, type Client, type ClientOptions } from "@coffer/client";
import { Failure } from "./failure.js";
import type { FlagValues } from "./flags.js";
import type { Io } from "./io.js";
import { intercept } from "./output-request.js";
import { readTokenFile } from "./token-file.js";

export type Session = {
  /** Sends with the user's token; under -output-curl-string and -output-policy it prints instead. */
  client(): Promise<Client>;
  /** Like client, for requests that only find out what to ask: always sends, never wraps. */
  preflight(): Promise<Client>;
  /** For login: no token but the environment's. */
  clientWithoutToken(): Client;
};

export function openSession(io: Io, flags: FlagValues): Session {
  const options = clientOptions(io, flags);
  const withToken = async (): Promise<ClientOptions> => {
    const token = options.token ?? (await readTokenFile(io));
    return token === undefined ? options : { ...options, token };
  };
  let shared: Promise<Client> | undefined;
  const plain = (): Promise<Client> => (shared ??= withToken().then(createClient));
  return {
    client: async () => intercept(await plain(), flags),
    preflight: async () => {
      const client = await plain();
      return client.options.wrapTtl === undefined ? client : client.with({ wrapTtl: "" });
    },
    clientWithoutToken: () => intercept(createClient(options), flags),
  };
}

function clientOptions(io: Io, flags: FlagValues): ClientOptions {
  const text = (name: string, key: keyof ClientOptions): ClientOptions => (flags.has(name) ? { [key]: flags.string(name) } : {});
  for (const name of ignoredVariables(io.env)) io.stderr.write(`Note: ${name} is set, but this client does not use it.\n`);
  // A person waits: fail at once rather than retry, unless they asked otherwise.
  const base: ClientOptions = { maxRetries: 0, userAgent: "coffer-cli", ...fromEnvironment(io.env) };
  return {
    ...base,
    ...text("address", "address"),
    ...text("agent-address", "address"),
    ...text("ca-cert", "caCert"),
    ...text("ca-path", "caPath"),
    ...text("client-cert", "clientCert"),
    ...text("client-key", "clientKey"),
    ...text("tls-server-name", "tlsServerName"),
    ...text("namespace", "namespace"),
    ...text("ns", "namespace"),
    ...(flags.has("tls-skip-verify") ? { skipVerify: flags.bool("tls-skip-verify") } : {}),
    ...(flags.bool("disable-redirects") ? { followRedirects: false } : {}),
    ...(flags.has("wrap-ttl") ? { wrapTtl: `${Math.ceil(flags.duration("wrap-ttl"))}s` } : {}),
    ...(flags.has("mfa") ? { mfa: flags.list("mfa") } : {}),
    ...(flags.bool("policy-override") ? { policyOverride: true } : {}),
    ...(flags.has("header") ? { headers: checkedHeaders(flags.map("header")) } : {}),
  };
}

function checkedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const reserved = Object.keys(headers).filter((name) => name.toLowerCase().startsWith("x-vault-"));
  if (reserved.length > 0) {
    throw new Failure(`failed to setup Headers[${reserved.join(", ")}]: Header starting by 'X-Vault-' are for internal usage only`, 2);
  }
  return headers;
}
