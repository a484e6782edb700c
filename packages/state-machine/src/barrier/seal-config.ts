import { invalid } from "../errors.js";

/** What a sealed node has to know before it can open anything: stored outside the barrier. */

export const SEAL_CONFIG_KEY = "core/seal-config";
/** Only under an auto seal: whose shares count as the operators' quorum. */
export const RECOVERY_CONFIG_KEY = "core/recovery-config";

const MAX_SHARES = 255;

export interface ShareNumbers {
  readonly secret_shares: number;
  readonly secret_threshold: number;
}

export interface SealConfig extends ShareNumbers {
  /** `shamir`, or the kind of the auto seal with the highest priority. */
  readonly type: string;
}

export const isAutoSealed = ({ type }: Pick<SealConfig, "type">) => type !== "shamir";

/** Throws RequestError 400, worded as Vault words it. */
export function checkSealConfig(shares: number, threshold: number): void {
  if (!Number.isInteger(shares) || shares < 1) throw invalid("shares must be at least one");
  if (!Number.isInteger(threshold) || threshold < 1) throw invalid("threshold must be at least one");
  if (shares > 1 && threshold < 2) throw invalid("threshold must be greater than one for multiple shares");
  if (shares > MAX_SHARES) throw invalid("shares must be less than 256");
  if (threshold > MAX_SHARES) throw invalid("threshold must be less than 256");
  if (threshold > shares) throw invalid("threshold cannot be larger than shares");
}

/** As `checkSealConfig`, for a recovery key: 0 of 0 is none, so that there is no quorum that could ever agree. */
export function checkRecoveryConfig(shares: number, threshold: number): void {
  if (shares !== 0 || threshold !== 0) checkSealConfig(shares, threshold);
}

export function encodeSealConfig(config: SealConfig): Uint8Array {
  return Buffer.from(JSON.stringify(config));
}

export function decodeSealConfig(bytes: Uint8Array, check = checkSealConfig): SealConfig {
  const parsed = JSON.parse(Buffer.from(bytes).toString()) as Partial<SealConfig>;
  if (typeof parsed.type !== "string" || parsed.type === "") throw new Error("the seal configuration in the state is damaged");
  check(parsed.secret_shares ?? 0, parsed.secret_threshold ?? 0);
  return parsed as SealConfig;
}
