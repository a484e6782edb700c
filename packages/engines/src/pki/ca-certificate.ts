import { invalid } from "@coffer/state-machine";
import { hasUsage } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import type { ExtensionPart } from "./extensions.js";
import { basicConstraintsExtension, keyUsageExtension, nameConstraintsExtension } from "./extensions.js";
import { KEY_USAGE_BIT, OID } from "./oids.js";

const CA_USAGE = Object.freeze([KEY_USAGE_BIT["certsign"]!, KEY_USAGE_BIT["crlsign"]!]);

/** What makes a certificate a CA's. */
export function caExtensions(maxPathLength: number, permittedDnsDomains: readonly string[]): ExtensionPart[] {
  return [
    [OID.keyUsage, keyUsageExtension(CA_USAGE)],
    [OID.basicConstraints, basicConstraintsExtension(true, maxPathLength)],
    [OID.nameConstraints, nameConstraintsExtension(permittedDnsDomains)],
  ];
}

/** How many CAs may stand below one that `issuer` signs. `wanted` undefined: as many as it allows. Throws RequestError 400. */
export function pathLengthBelow(issuer: Certificate, wanted: number | undefined): number {
  const limit = issuer.maxPathLength;
  if (!hasUsage(issuer, KEY_USAGE_BIT["certsign"]!)) throw invalid("signing certificate lacks the CertSign key usage");
  if (limit === 0) throw invalid("signing certificate has a max path length of zero, and cannot issue further CA certificates");
  if (wanted === undefined) return limit < 0 ? -1 : limit - 1;
  if (limit > 0 && (wanted < 0 || wanted >= limit)) throw invalid(`max_path_length must be less than ${limit}, the signing certificate's own`);
  return wanted;
}
