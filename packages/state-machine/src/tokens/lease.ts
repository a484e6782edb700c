import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { placeOf } from "../mounts/index.js";
import type { Place } from "../mounts/index.js";

/**
 * A token that ends is a lease of the path that made it, as in Vault: `auth/userpass/login/bob/h<storage id>`. Its place among
 * the leases holds no more than that it is one, since the place ends in the token's id; the token itself is the lease. Below
 * `core/`: `lease/id/<place>`.
 */
export interface TokenLease {
  readonly token: 1;
}

const ID_MARK = "/h";

/** Where a lease is kept: by its place, which ends in 24 random characters, or in a token's storage id. */
export const leaseKey = (place: Place) => `lease/id/${place}`;
const codec = jsonCodec<TokenLease>();
const IS_TOKEN: TokenLease = Object.freeze({ token: 1 });

/** Undefined where nothing is mounted at the path: such a token is found by itself only. */
export function fileToken(storage: WriteStorage, path: string, mountUuid: string, id: string): Place | undefined {
  const folder = placeOf(storage, path, mountUuid === "" ? undefined : mountUuid);
  if (folder === undefined) return undefined;
  const place = folder + ID_MARK + id;
  storage.put(leaseKey(place), codec, IS_TOKEN);
  return place;
}

/** The storage id of the token that is at a place; undefined for none, and for a leased secret. */
export const tokenAt = (storage: ReadStorage, place: Place): string | undefined => (storage.get(leaseKey(place), codec)?.token ? place.slice(place.lastIndexOf(ID_MARK) + ID_MARK.length) : undefined);
