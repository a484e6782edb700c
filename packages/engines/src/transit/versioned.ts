import { invalid } from "@coffer/state-machine";

/** How ciphertexts, signatures and HMACs say which version of the key made them: "vault:v3:…". */
const FORM = /^vault:v(\d{1,9}):(.*)$/s;

export function versioned(version: number, text: string): string {
  return `vault:v${version}:${text}`;
}

export interface Versioned {
  readonly version: number;
  readonly text: string;
}

/** `what`: "ciphertext", for the error. Throws RequestError 400. */
export function parseVersioned(value: string, what: string): Versioned {
  const found = FORM.exec(value);
  if (found) return { version: Number(found[1]), text: found[2]! };
  if (!value.startsWith("vault:v")) throw invalid(`invalid ${what}: no prefix`);
  throw invalid(value.slice("vault:v".length).includes(":") ? `invalid ${what}: version number could not be decoded` : `invalid ${what}: wrong number of fields`);
}
