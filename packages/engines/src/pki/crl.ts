import { extension } from "./extensions.js";
import { explicit, integer, sequence, time } from "./der.js";
import { signed } from "./certificate.js";
import type { Maybe } from "./maybe.js";
import { OID } from "./oids.js";
import type { Signer } from "./signer.js";

export interface RevokedEntry {
  /** The certificate's serial number, big-endian. */
  readonly serial: Uint8Array;
  /** Milliseconds since 1970. */
  readonly revokedMs: number;
  /** Whole extensions of the entry. */
  readonly extensions?: readonly Uint8Array[];
}

export interface CrlPlan {
  /** Name. */
  readonly issuer: Uint8Array;
  /** A whole extension. */
  readonly authorityKeyId: Uint8Array;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly number: number;
  /** Of the complete CRL that this one amends; absent for a complete one. */
  readonly baseNumber?: number;
  readonly entries: readonly RevokedEntry[];
  /** More whole extensions of the CRL. */
  readonly extensions?: readonly Uint8Array[];
}

/** A CRL, DER (RFC 5280, 5.1). */
export function buildCrl({ issuer, authorityKeyId, thisUpdateMs, nextUpdateMs, number, baseNumber, entries, extensions: more = [] }: CrlPlan, signer: Signer): Maybe<Buffer> {
  const extensions = [authorityKeyId, extension(OID.crlNumber, integer(number)), ...(baseNumber === undefined ? [] : [extension(OID.deltaCrlIndicator, integer(baseNumber), true)]), ...more];
  const content = sequence(
    integer(1),
    signer.algorithm,
    issuer,
    time(thisUpdateMs),
    time(nextUpdateMs),
    // Joined rather than passed one by one: there may be more than a call can take.
    ...(entries.length > 0 ? [sequence(Buffer.concat(entries.map(({ serial, revokedMs, extensions: own = [] }) => sequence(integer(serial), time(revokedMs), ...(own.length > 0 ? [sequence(...own)] : [])))))] : []),
    explicit(0, sequence(...extensions)),
  );
  return signed(content, signer);
}
