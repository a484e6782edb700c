import { createHmac, createSecretKey } from "node:crypto";

export function auditHmac(salt: string, value: string): string {
  return createHasher(salt).hash(value);
}

/** The HMACs of one device, under its salt. */
export interface Hasher {
  /** `keptAs` names the value for the next time, without saying what it is. */
  hash(value: string, keptAs?: string): string;
}

/** Of tokens and their accessors, which stand in each record. Two generations of so many: what is used goes on. */
const KEPT = 1024;

export function createHasher(salt: string): Hasher {
  const key = createSecretKey(salt, "utf8");
  let young = new Map<string, string>();
  let old = new Map<string, string>();
  const hmac = (value: string) => `hmac-sha256:${createHmac("sha256", key).update(value).digest("hex")}`;
  return {
    hash(value, keptAs) {
      if (keptAs === undefined) return hmac(value);
      const known = young.get(keptAs);
      if (known !== undefined) return known;
      const made = old.get(keptAs) ?? hmac(value);
      if (young.size >= KEPT) [old, young] = [young, new Map()];
      young.set(keptAs, made);
      return made;
    },
  };
}
