import { TOTP, URI } from "otpauth";

/** An authenticator as somebody's telephone is one: it knows the otpauth:// URL and the time (milliseconds). */
export function authenticator(url: string): (nowMs: number) => string {
  const totp = URI.parse(url);
  if (!(totp instanceof TOTP)) throw new Error("not a TOTP URL");
  return (nowMs) => totp.generate({ timestamp: nowMs });
}

/** A passcode that is none of the good ones. */
export function wrongCode(good: string): string {
  return String((Number(good) + 500_000) % 1_000_000).padStart(good.length, "0");
}
