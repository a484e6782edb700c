import { createHmac, createSecretKey } from "node:crypto";
import { createRecentMap } from "../store/recent-map.js";

export function auditHmac(salt: string, value: string): string {
  return createHasher(salt).hash(value);
}

/** The HMACs of one device, under its salt. */
export interface Hasher {
  /** `keptAs` names the value for the next time, without saying what it is. */
  hash(value: string, keptAs?: string): string;
}

/** Of tokens and their accessors, which stand in each record. */
const KEPT = 2048;

export function createHasher(salt: string): Hasher {
  const key = createSecretKey(salt, "utf8");
  const kept = createRecentMap<string>(KEPT);
  const hmac = (value: string) => `hmac-sha256:${createHmac("sha256", key).update(value).digest("hex")}`;
  return {
    hash(value, keptAs) {
      if (keptAs === undefined) return hmac(value);
      const known = kept.get(keptAs);
      if (known !== undefined) return known;
      const made = hmac(value);
      kept.set(keptAs, made);
      return made;
    },
  };
}
