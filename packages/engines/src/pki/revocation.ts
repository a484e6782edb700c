import { invalid } from "@coffer/state-machine";
import type { Mount, WriteStorage } from "@coffer/state-machine";
import { issuerParts } from "./authority.js";
import { isSignedBy } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import { allIssuers, rebuildCrls } from "./crl-rebuild.js";
import { getCrlConfig } from "./crl-storage.js";
import { isRoot } from "./issuer-answer.js";
import { getRevocation, markUnlisted, putCertificate, putRevocation, getCertificate } from "./storage.js";
import type { Revocation } from "./storage.js";

export type RevocationResult = { readonly kind: "revoked"; readonly revocation: Revocation } | { readonly kind: "expired" };

/** Revoking twice changes nothing. Throws RequestError 400 for what must not be revoked here. */
export async function revokeCertificate(storage: WriteStorage, mount: Mount, certificate: Certificate): Promise<RevocationResult> {
  const existing = getRevocation(storage, certificate.serial);
  if (existing) return { kind: "revoked", revocation: existing };
  const config = getCrlConfig(storage);
  const now = mount.env.now();
  if (certificate.notAfter < now && !config.allow_expired_cert_revocation) return { kind: "expired" };
  const issuers = await allIssuers(storage);
  const own = issuers.find(({ serial_number }) => serial_number === certificate.serial);
  if (own && isRoot(certificate)) throw invalid(`adding issuer (id: ${own.id}) to its own CRL is not allowed`);
  const signer = issuers.find((issuer) => isSignedBy(certificate, issuerParts(issuer).certificate));
  const revocation: Revocation = { serial: certificate.serial, issuer_id: signer?.id ?? "", revokedMs: now, expiresMs: certificate.notAfter };
  // Such as came along with the call, or of a role that stores none: OCSP and tidy look for it.
  if (!getCertificate(storage, certificate.serial)) putCertificate(storage, certificate);
  putRevocation(storage, revocation);
  if (config.auto_rebuild) markUnlisted(storage, certificate.serial);
  else await rebuildCrls(storage, mount);
  return { kind: "revoked", revocation };
}

/** RFC 3339, to the second or finer. */
export const revocationTimes = ({ revokedMs }: Pick<Revocation, "revokedMs">) => ({ revocation_time: Math.floor(revokedMs / 1000), revocation_time_rfc3339: new Date(revokedMs).toISOString() });
