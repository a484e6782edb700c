import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

const SHOWN = Symbol("what the client showed");
/** Longer chains are nobody's; each costs whoever checks it a signature. */
const MAX_INTERMEDIATES = 8;

/** Certificates of a connection, DER. Whether to believe them is for others to say. */
export interface PeerCertificates {
  readonly leaf: Uint8Array;
  /** As the client sent them, each the issuer of the one before. */
  readonly intermediates: readonly Uint8Array[];
}

/** A connection that has been asked once; null: it showed none. */
interface Asked {
  [SHOWN]?: PeerCertificates | null;
}

/** What the client of this connection showed. */
export function peerCertificates(socket: Duplex): PeerCertificates | undefined {
  const { getPeerX509Certificate } = socket as TLSSocket;
  if (getPeerX509Certificate === undefined) return undefined;
  const known = (socket as Asked)[SHOWN];
  if (known !== undefined) return known ?? undefined;
  const found = getPeerX509Certificate.call(socket);
  const shown = found && { leaf: found.raw, intermediates: issuersOf(found) };
  (socket as Asked)[SHOWN] = shown ?? null;
  return shown;
}

function issuersOf(leaf: X509Certificate): Uint8Array[] {
  const issuers: Uint8Array[] = [];
  for (let issuer = leaf.issuerCertificate; issuer && issuers.length < MAX_INTERMEDIATES; issuer = issuer.issuerCertificate) issuers.push(issuer.raw);
  return issuers;
}
