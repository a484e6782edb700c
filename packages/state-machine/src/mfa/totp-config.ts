import { invalid } from "../errors.js";

/** Settings of a TOTP method (RFC 6238). */
export interface TotpConfig {
  readonly issuer: string;
  readonly periodSeconds: number;
  /** Bytes of a secret. */
  readonly keySize: number;
  /** Pixels of the QR code's side; 0: none is made. */
  readonly qrSize: number;
  readonly algorithm: "SHA1" | "SHA256" | "SHA512";
  readonly digits: 6 | 8;
  /** How many periods before and after now are good too. */
  readonly skew: 0 | 1;
  readonly maxValidationAttempts: number;
}

/** As a caller gives it: what is left out stays, or is Vault's default. */
export interface TotpChange {
  readonly issuer?: string | undefined;
  readonly periodSeconds?: number | undefined;
  readonly keySize?: number | undefined;
  readonly qrSize?: number | undefined;
  readonly algorithm?: string | undefined;
  readonly digits?: number | undefined;
  readonly skew?: number | undefined;
  readonly maxValidationAttempts?: number | undefined;
}

const DEFAULTS: TotpConfig = Object.freeze({ issuer: "", periodSeconds: 30, keySize: 20, qrSize: 200, algorithm: "SHA1", digits: 6, skew: 1, maxValidationAttempts: 5 });
/** What a QR code, a key or a period can sensibly be. Pixels, bytes, seconds. */
const MAX_QR_SIZE = 2048;
const MAX_KEY_SIZE = 1024;
const MAX_PERIOD = 86_400;

/** Throws RequestError 400. */
export function totpConfig(before: TotpConfig | undefined, change: TotpChange): TotpConfig {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const config = { ...DEFAULTS, ...before, ...given } as TotpConfig;
  if (config.issuer === "") throw invalid("issuer must be set");
  // It stands before the colon of the label in an otpauth:// URL.
  if (config.issuer.includes(":")) throw invalid("issuer must not contain a colon");
  for (const [name, value, max] of [["period", config.periodSeconds, MAX_PERIOD], ["key_size", config.keySize, MAX_KEY_SIZE], ["max_validation_attempts", config.maxValidationAttempts, Infinity]] as const) {
    if (value <= 0) throw invalid(`${name} must be greater than zero`);
    if (value > max) throw invalid(`${name} must be at most ${max}`);
  }
  if (config.qrSize < 0 || config.qrSize > MAX_QR_SIZE) throw invalid(`qr_size must be between 0 and ${MAX_QR_SIZE}`);
  if (!["SHA1", "SHA256", "SHA512"].includes(config.algorithm)) throw invalid("unrecognized algorithm");
  if (![6, 8].includes(config.digits)) throw invalid("digits can only be 6 or 8");
  if (![0, 1].includes(config.skew)) throw invalid("skew must be 0 or 1");
  return config;
}
