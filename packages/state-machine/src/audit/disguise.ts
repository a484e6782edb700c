import { randomBytes } from "node:crypto";
import { isPlainObject } from "../framework/document.js";
import type { TokenEntry } from "../tokens/entry.js";
import type { Hasher } from "./hmac.js";

/** How a record shows what could be secret. */
export interface Disguise {
  /** `of`: whose it is, where that is known. */
  readonly token: (value: string, of?: TokenEntry) => string;
  readonly accessor: (value: string, of?: TokenEntry) => string;
  /** Every string below, but for those under a key in `clear`. Numbers and booleans stay. */
  readonly values: (value: unknown, clear: readonly string[]) => unknown;
}

export const IN_CLEAR: Disguise = Object.freeze({ token: (value) => value, accessor: (value) => value, values: (value) => value } satisfies Disguise);

/** Each string is hashed as it comes. */
export const hashing = ({ hash }: Hasher, hmacAccessor: boolean): Disguise => disguiseBy(hash, hmacAccessor);

/** Stands for what is not hashed yet. Nobody outside of the process has seen it, so nothing that a client sends can be one. */
const MARK = randomBytes(12).toString("hex");
const END = ".";

/** Marks in place of secrets: the record is written once, and what `cut` gives makes each device's line of it. */
export interface Stencil {
  readonly disguise: Disguise;
  /** Of the record as text, with its marks. They and what takes their place need no escaping in JSON and XML. */
  cut(text: string): (hasher: Hasher) => string;
}

export function createStencil(hmacAccessor: boolean): Stencil {
  const secrets: { readonly value: string; readonly keptAs: string | undefined }[] = [];
  const mark = (value: string, keptAs?: string) => `${MARK}${secrets.push({ value, keptAs }) - 1}${END}`;
  return {
    disguise: disguiseBy(mark, hmacAccessor),
    cut(text) {
      const [first = "", ...others] = text.split(MARK);
      const parts = others.map((part) => {
        const end = part.indexOf(END);
        return { secret: secrets[Number(part.slice(0, end))]!, rest: part.slice(end + END.length) };
      });
      return ({ hash }) => {
        let line = first;
        for (const { secret, rest } of parts) line += hash(secret.value, secret.keptAs) + rest;
        return line;
      };
    },
  };
}

function disguiseBy(hide: Hasher["hash"], hmacAccessor: boolean): Disguise {
  // Of a stored token its id is as good a name as any, and no secret; a batch token has none.
  const name = (kind: string, of: TokenEntry | undefined) => (of?.type === "service" ? kind + of.id : undefined);
  return {
    token: (value, of) => hide(value, name("t", of)),
    accessor: (value, of) => (hmacAccessor ? hide(value, name("a", of)) : value),
    values: (value, clear) => hideStrings(hide, value, clear),
  };
}

function hideStrings(hide: (value: string) => string, value: unknown, clear: readonly string[]): unknown {
  if (typeof value === "string") return hide(value);
  if (Array.isArray(value)) return value.map((item) => hideStrings(hide, item, clear));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clear.includes(key) ? item : hideStrings(hide, item, clear)]));
}
