import { createHmac, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { Codec, ReadStorage, WriteStorage } from "../framework/storage.js";
import type { Place } from "../mounts/index.js";
import { createRecentMap } from "../store/recent-map.js";
import type { RecentMap } from "../store/recent-map.js";

/** A token as stored: under its salted HMAC, so that the storage gives nobody a token. Times in seconds since 1970. */
export interface TokenEntry {
  /** Of a service token, its accessor: whoever has that finds the token without another index. */
  readonly id: string;
  /** Batch tokens are not stored: see `batch.ts`. */
  readonly type: "service" | "batch";
  /** The id, or empty for batch tokens. */
  readonly accessor: string;
  /** Storage id of the parent; empty for orphans. */
  readonly parent: string;
  readonly policies: readonly string[];
  /** Path of the request that made it. */
  readonly path: string;
  readonly meta: Readonly<Record<string, string>> | null;
  readonly displayName: string;
  /** Uses left; 0 is unlimited, -1 used up. */
  readonly numUses: number;
  readonly creationTime: number;
  /** Seconds from `creationTime`, or from the last renewal; 0 never expires. */
  readonly ttl: number;
  readonly creationTtl: number;
  readonly explicitMaxTtl: number;
  /** What its login set as a maximum, beside the mount's; 0: none. */
  readonly maxTtl: number;
  readonly period: number;
  readonly renewable: boolean;
  readonly lastRenewal: number;
  /** With its fraction of a second, so that no token ends before its time. 0: never. */
  readonly expireTime: number;
  readonly entityId: string;
  readonly role: string;
  readonly boundCidrs: readonly string[];
  /** Mount that a login made it on, for renewal; empty for auth/token. */
  readonly mountUuid: string;
  readonly internalData: Readonly<Record<string, unknown>>;
  /** Uuid of the lease-count quota that it counts under; absent: none. */
  readonly quota?: string;
  /** Its place among the leases; absent: it never ends, or is a batch token. */
  readonly lease?: Place;
}

/** Keys below `core/`. */
export const tokenKey = (id: string) => `token/id/${id}`;
export const childKey = (parent: string, child: string) => `token/parent/${parent}/${child}`;
/** Written with every child that is made, read by whoever revokes the parent: so that the two conflict. */
export const childrenKey = (parent: string) => `token/parent/${parent}`;
const SALT = "token/salt";

/** What most tokens have; it is not stored, nor is what follows from the rest. */
const USUAL = Object.freeze({
  type: "service", parent: "", meta: null, numUses: 0, explicitMaxTtl: 0, maxTtl: 0, period: 0, renewable: true, lastRenewal: 0, entityId: "", role: "", boundCidrs: Object.freeze([]), mountUuid: "", internalData: Object.freeze({}),
} as const satisfies Partial<TokenEntry>);

function isUsual(entry: TokenEntry, name: keyof TokenEntry): boolean {
  if (name === "boundCidrs") return entry.boundCidrs.length === 0;
  if (name === "internalData") return Object.keys(entry.internalData).length === 0;
  return name in USUAL && entry[name] === USUAL[name as keyof typeof USUAL];
}

/** Of a token whose login's mount has kept its place: the path below the mount. */
interface Stored extends Partial<TokenEntry> {
  readonly below?: string;
}

const placeIn = (mountUuid: string, below: string, id: string): Place => `${mountUuid}/${below}/h${id}`;

/** The part of its place that only the place tells; undefined where that is elsewhere. */
function belowMount({ lease, mountUuid, id }: TokenEntry): string | undefined {
  if (lease === undefined || mountUuid === "") return undefined;
  const below = lease.slice(mountUuid.length + 1, -(id.length + "/h".length));
  return lease === placeIn(mountUuid, below, id) ? below : undefined;
}

const storedTokenCodec = jsonCodec<Stored>();
/** Logins write little else than tokens: what is not stored, no replica has to log, sync and keep. */
export const tokenCodec: Codec<TokenEntry> = {
  encode(entry) {
    const below = belowMount(entry);
    const stored: Record<string, unknown> = {};
    for (const name in entry) {
      const isImplied = (name === "accessor" && entry.accessor === entry.id) || (name === "creationTtl" && entry.creationTtl === entry.ttl) || (name === "lease" && below !== undefined);
      if (!isImplied && !isUsual(entry, name as keyof TokenEntry)) stored[name] = entry[name as keyof TokenEntry];
    }
    if (below !== undefined) stored["below"] = below;
    return storedTokenCodec.encode(stored);
  },
  decode(bytes) {
    const { below, ...stored } = storedTokenCodec.decode(bytes);
    const { id = "", ttl = 0, mountUuid = "" } = stored;
    const implied = { accessor: id, creationTtl: ttl, ...(below !== undefined && { lease: placeIn(mountUuid, below, id) }) };
    return Object.assign({ ...USUAL }, implied, stored) as TokenEntry;
  },
};
export const emptyCodec = jsonCodec<Record<string, never>>();

/** A value as it is decoded, so that what is derived from it goes with it: when the state is replaced, or the barrier sealed. */
interface Salt {
  readonly text: string;
  readonly key: KeyObject;
  /** Ids of tokens that are in use. */
  readonly known: RecentMap<string>;
}

const storedSaltCodec = jsonCodec<{ readonly salt: string }>();
const saltCodec: Codec<Salt> = {
  encode: ({ text }) => storedSaltCodec.encode({ salt: text }),
  decode: (bytes) => saltOf(storedSaltCodec.decode(bytes).salt),
};
/** With texts no longer than this: about a megabyte. */
const KNOWN_IDS = 4096;
const KNOWN_LENGTH = 64;
const saltOf = (text: string): Salt => ({ text, key: createSecretKey(text, "utf8"), known: createRecentMap(KNOWN_IDS) });

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const TOKEN_LENGTH = 24;
/** Bytes at or above this would favour the first letters of the alphabet. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length);

/** Letters and digits for those bytes that favour none of them, each about 5.95 bits. */
function textOf(bytes: Uint8Array, length: number): string {
  let text = "";
  for (const byte of bytes) if (byte < FAIR_BYTES && text.length < length) text += ALPHABET[byte % ALPHABET.length];
  return text;
}

export function randomText(env: Environment, length: number): string {
  let text = "";
  while (text.length < length) text += textOf(env.randomBytes(length * 2), length - text.length);
  return text;
}

const SERVICE_PREFIX = "hvs.";
export const BATCH_PREFIX = "hvb.";

export const newTokenText = (env: Environment) => `${SERVICE_PREFIX}${randomText(env, TOKEN_LENGTH)}`;

export function writeTokenSalt(storage: WriteStorage, env: Environment): void {
  storage.put(SALT, saltCodec, saltOf(Buffer.from(env.randomBytes(32)).toString("base64")));
}

/**
 * Storage id of a token, and its accessor: 143 bits of an HMAC. The salt is sealed, so it tells nothing about the token, and the
 * same token has the same one. Of 64 bytes two are left out on average; that 41 were does not happen.
 */
export function tokenId(storage: ReadStorage, token: string): string {
  return idUnder(saltIn(storage), token);
}

/**
 * The same, of a token that a client shows: it will show it again, and an HMAC is a good part of what a read costs. The map is
 * searched by a seeded hash, so that how long it takes tells nothing of how much of a guess is right.
 */
export function shownTokenId(storage: ReadStorage, token: string): string {
  const salt = saltIn(storage);
  const known = salt.known.get(token);
  if (known !== undefined) return known;
  const id = idUnder(salt, token);
  if (token.length <= KNOWN_LENGTH) salt.known.set(token, id);
  return id;
}

function saltIn(storage: ReadStorage): Salt {
  const salt = storage.get(SALT, saltCodec);
  if (!salt) throw new Error("the token salt is missing");
  return salt;
}

const idUnder = ({ key }: Salt, token: string) => textOf(createHmac("sha512", key).update(token).digest(), TOKEN_LENGTH);

/** Seconds left at `now` (seconds); 0 for one that never expires. */
export function remainingTtl(entry: TokenEntry, now: number): number {
  return entry.expireTime === 0 ? 0 : Math.max(0, Math.floor(entry.expireTime - now));
}

export function isExpired(entry: TokenEntry, now: number): boolean {
  return entry.expireTime !== 0 && entry.expireTime <= now;
}
