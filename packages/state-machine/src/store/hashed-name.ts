import { createHash } from "node:crypto";
import { createRecentMap } from "./recent-map.js";

const KNOWN = 4096;
const KNOWN_LENGTH = 128;
const known = createRecentMap<string>(KNOWN);

/** SHA-256 of a name that may be long and hold anything, in hex, for keys. Of names in use it is remembered: a login asks three times. */
export function hashedName(name: string): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  const hashed = createHash("sha256").update(name).digest("hex");
  if (name.length <= KNOWN_LENGTH) known.set(name, hashed);
  return hashed;
}
