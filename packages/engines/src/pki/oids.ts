/** Object identifiers by what they are for. */
export const OID = Object.freeze({
  commonName: "2.5.4.3", serialNumber: "2.5.4.5", country: "2.5.4.6", locality: "2.5.4.7", province: "2.5.4.8", street_address: "2.5.4.9",
  organization: "2.5.4.10", ou: "2.5.4.11", postal_code: "2.5.4.17", userId: "0.9.2342.19200300.100.1.1",
  subjectKeyIdentifier: "2.5.29.14", keyUsage: "2.5.29.15", subjectAltName: "2.5.29.17", basicConstraints: "2.5.29.19", crlNumber: "2.5.29.20",
  crlReason: "2.5.29.21", deltaCrlIndicator: "2.5.29.27", nameConstraints: "2.5.29.30", crlDistributionPoints: "2.5.29.31", certificatePolicies: "2.5.29.32",
  authorityKeyIdentifier: "2.5.29.35", extendedKeyUsage: "2.5.29.37", freshestCrl: "2.5.29.46", issuingDistributionPoint: "2.5.29.28",
  authorityInfoAccess: "1.3.6.1.5.5.7.1.1", ocsp: "1.3.6.1.5.5.7.48.1", caIssuers: "1.3.6.1.5.5.7.48.2", ocspBasic: "1.3.6.1.5.5.7.48.1.1", ocspNonce: "1.3.6.1.5.5.7.48.1.2",
  policyCps: "1.3.6.1.5.5.7.2.1", policyNotice: "1.3.6.1.5.5.7.2.2", extensionRequest: "1.2.840.113549.1.9.14",
  rsaEncryption: "1.2.840.113549.1.1.1", rsaPss: "1.2.840.113549.1.1.10", mgf1: "1.2.840.113549.1.1.8", ecPublicKey: "1.2.840.10045.2.1", ed25519: "1.3.101.112",
  sha1: "1.3.14.3.2.26", sha256: "2.16.840.1.101.3.4.2.1", sha384: "2.16.840.1.101.3.4.2.2", sha512: "2.16.840.1.101.3.4.2.3",
} as const);

/** Key usages by Go's names, which Vault's API takes (in any case). The bit counts from the first of the BIT STRING. */
export const KEY_USAGE_BIT: Readonly<Record<string, number>> = Object.freeze({
  digitalsignature: 0, contentcommitment: 1, keyencipherment: 2, dataencipherment: 3, keyagreement: 4, certsign: 5, crlsign: 6, encipheronly: 7, decipheronly: 8,
});

/** Extended key usages by Go's names, in the order in which they stand in a certificate. */
export const EXT_KEY_USAGE: Readonly<Record<string, string>> = Object.freeze({
  any: "2.5.29.37.0", serverauth: "1.3.6.1.5.5.7.3.1", clientauth: "1.3.6.1.5.5.7.3.2", codesigning: "1.3.6.1.5.5.7.3.3", emailprotection: "1.3.6.1.5.5.7.3.4",
  ipsecendsystem: "1.3.6.1.5.5.7.3.5", ipsectunnel: "1.3.6.1.5.5.7.3.6", ipsecuser: "1.3.6.1.5.5.7.3.7", timestamping: "1.3.6.1.5.5.7.3.8", ocspsigning: "1.3.6.1.5.5.7.3.9",
  microsoftservergatedcrypto: "1.3.6.1.4.1.311.10.3.3", netscapeservergatedcrypto: "2.16.840.1.113730.4.1",
});
