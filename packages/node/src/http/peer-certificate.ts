import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

const CERTIFICATE = Symbol("the client's certificate");

/** A connection that has been asked once; null: it showed none. */
interface Asked {
  [CERTIFICATE]?: Uint8Array | null;
}

/** DER of the certificate that the client of this connection showed. Whether to believe it is for others to say. */
export function peerCertificate(socket: Duplex): Uint8Array | undefined {
  const { getPeerX509Certificate } = socket as TLSSocket;
  if (getPeerX509Certificate === undefined) return undefined;
  const known = (socket as Asked)[CERTIFICATE];
  if (known !== undefined) return known ?? undefined;
  const found = getPeerX509Certificate.call(socket)?.raw;
  (socket as Asked)[CERTIFICATE] = found ?? null;
  return found;
}
