import { ApiError, ConnectionError } from "@coffer/client";
import type { Failure } from "./failure.js";

/** A failed connection in the words of Vault's CLI. */
export function describeConnection(error: ConnectionError): string {
  const url = new URL(error.url);
  const host = url.port === "" ? `${url.hostname}:${url.protocol === "https:" ? "443" : "80"}` : url.host;
  const verb = error.method.charAt(0) + error.method.slice(1).toLowerCase();
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: `dial tcp ${host}: connect: connection refused`,
    ENOTFOUND: `dial tcp: lookup ${url.hostname}: no such host`,
    ETIMEDOUT: "context deadline exceeded",
  };
  const plain = error.code === "EPROTO" && /wrong version number/.test(error.message) ? "http: server gave HTTP response to HTTPS client" : undefined;
  const reason = plain ?? reasons[error.code] ?? (error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message);
  return `${verb} "${error.url}": ${reason}`;
}

/** One line on what to do about an error that beginners meet; undefined where the error says enough. */
export function hintFor(failure: Failure, context: { hasToken: boolean; words: readonly string[] }): string | undefined {
  const { cause } = failure;
  const doubled = context.words[0] === "kv" ? /^No value found at (\S+?)\/(data|metadata)\/(?:data|metadata)\/(\S+)$/.exec(failure.message) : null;
  if (doubled !== null) return `coffer kv adds ${doubled[2]}/ to the path itself: try ${doubled[1]}/${doubled[3]}`;
  if (cause instanceof ConnectionError) return connectionHint(cause);
  if (cause instanceof ApiError) return answerHint(cause, context);
  return undefined;
}

function connectionHint(error: ConnectionError): string | undefined {
  const url = new URL(error.url);
  if (error.code === "ECONNREFUSED") {
    return `Nothing listens at ${url.origin}. Start a server (coffer server -dev), or set VAULT_ADDR to the address of a running one.`;
  }
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") return `The name ${url.hostname} does not resolve. Is VAULT_ADDR right?`;
  if (error.code === "EPROTO" || /wrong version number|packet length too long|record layer/i.test(error.message)) {
    return `The server at ${url.host} does not speak TLS. If that is meant to be, use VAULT_ADDR=http://${url.host}.`;
  }
  if (/self.signed|UNABLE_TO|CERT_|ALTNAME|DEPTH_ZERO/i.test(`${error.code} ${error.message}`)) {
    return "The server's certificate is not trusted here. Point VAULT_CACERT (or -ca-cert) at the authority that signed it.";
  }
  if (error.code === "HPE_INVALID_CONSTANT" && url.protocol === "http:") return `Perhaps the server wants TLS: try VAULT_ADDR=https://${url.host}.`;
  return undefined;
}

/** A second `operator init` beside a cluster would make a second cluster. */
const NOT_INITIALISED = "The server is not initialised yet: coffer operator init. If it is to join a cluster, wait until it has found an unsealed node there (retry_join, or coffer operator raft join), then unseal it.";

function answerHint(error: ApiError, context: { hasToken: boolean }): string | undefined {
  const text = error.errors.join(" ");
  if (/in recovery mode|make a recovery token/.test(text)) return "Make a token for recovery mode with: coffer operator generate-root -recovery-token -init";
  if (error.status === 503 && /\bis sealed/i.test(text)) return "The server is sealed. Unseal it with: coffer operator unseal. If a seal is to do that, coffer status says what keeps it from it.";
  if (/^migrate option not provided/.test(text)) return "A migration of the seal is pending. If it is meant to be: coffer operator unseal -migrate";
  if (/^parameters (secret_|pgp_).*not applicable to seal type/.test(text)) return "This server's seal keeps the root key: give -recovery-shares, -recovery-threshold and -recovery-pgp-keys instead.";
  if (error.status === 400 && /HTTP request to an HTTPS server/i.test(text)) {
    return `The server wants TLS: use VAULT_ADDR=https://${new URL(error.url).host}.`;
  }
  const denied = error.status === 403 || /missing client token/.test(text);
  if (denied && !context.hasToken) return "No token is set. Log in with coffer login, or set VAULT_TOKEN.";
  if (error.status === 501 || /not initialized/i.test(text)) return NOT_INITIALISED;
  return undefined;
}
