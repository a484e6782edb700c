import { field } from "../framework/index.js";
import type { InputOf } from "../framework/index.js";
import type { TotpChange } from "./method.js";

/** How a TOTP method is described, for policies and for logins alike. What is left out stays, or is the default. */
export const TOTP_FIELDS = {
  issuer: field.string({ description: "Name of this service in the authenticator; required." }),
  period: field.duration({ description: "How long a code is good (default 30 seconds)." }),
  key_size: field.int({ description: "Bytes of each secret (default 20)." }),
  qr_size: field.int({ description: "Pixels of the QR code's side (default 200); 0 for none." }),
  algorithm: field.string({ description: "Hash of the codes: SHA1 (the default), SHA256 or SHA512." }),
  digits: field.int({ description: "Digits of a code: 6 (the default) or 8." }),
  skew: field.int({ description: "How many periods before and after now are good too: 0 or 1 (the default)." }),
  max_validation_attempts: field.int({ description: "Wrong codes in a period after which no more are looked at (default 5)." }),
};

export function totpChange(input: InputOf<typeof TOTP_FIELDS>): TotpChange {
  return {
    issuer: input.issuer, periodSeconds: input.period, keySize: input.key_size, qrSize: input.qr_size, algorithm: input.algorithm,
    digits: input.digits, skew: input.skew, maxValidationAttempts: input.max_validation_attempts,
  };
}
