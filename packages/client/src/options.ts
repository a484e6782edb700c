/** How to reach a server, and as whom. Everything is optional; the address defaults to https://127.0.0.1:8200. */
export type ClientOptions = {
  /** http://, https:// or unix:// (a socket path). */
  readonly address?: string;
  readonly token?: string;
  /** A PEM file with the certificate authority. Wins over caPath. */
  readonly caCert?: string;
  /** The PEM text itself. Wins over caCert. */
  readonly caCertPem?: string;
  /** A directory of PEM files. */
  readonly caPath?: string;
  /** PEM files for mutual TLS, or the PEM texts themselves; both or neither. */
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly skipVerify?: boolean;
  /** The name to ask for and verify (SNI), where it differs from the address. */
  readonly tlsServerName?: string;
  /** For one attempt, connect to last byte. Streams are exempt once their headers are there. 0 for none. */
  readonly timeoutMs?: number;
  /** Attempts after the first. */
  readonly maxRetries?: number;
  readonly minRetryWaitMs?: number;
  readonly maxRetryWaitMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** "60s" or a number of seconds: ask for every answer to be wrapped. A function decides by request. */
  readonly wrapTtl?: string | ((method: string, path: string) => string | undefined);
  /** `method[:passcode]`, one header each. */
  readonly mfa?: readonly string[];
  readonly policyOverride?: boolean;
  readonly userAgent?: string;
  readonly followRedirects?: boolean;
};

export const DEFAULT_ADDRESS = "https://127.0.0.1:8200";
export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_MAX_RETRIES = 2;
export const DEFAULT_MIN_RETRY_WAIT_MS = 1_000;
export const DEFAULT_MAX_RETRY_WAIT_MS = 1_500;
