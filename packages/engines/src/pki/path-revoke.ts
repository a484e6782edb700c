import { createPublicKey } from "node:crypto";
import { data, definePath, field, invalid, keyList, pageFields } from "@coffer/state-machine";
import type { EnvelopeResponse, Mount, SecretKind, WriteStorage } from "@coffer/state-machine";
import { issuerParts } from "./authority.js";
import { isSignedBy, parseCertificate } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import { allIssuers, rebuildCrls, rebuildDeltaCrls } from "./crl-rebuild.js";
import { getCrlConfig } from "./crl-storage.js";
import { importKey, privateKeyObject } from "./key-material.js";
import { LEASE_KIND } from "./leaf.js";
import { pemBlocks } from "./pem.js";
import { revocationTimes, revokeCertificate } from "./revocation.js";
import { getCertificate, serialOf } from "./storage.js";

const TARGET = {
  serial_number: field.string({ description: "Serial number of the certificate, with colons or hyphens." }),
  certificate: field.string({ description: "The certificate itself, PEM, where it is not stored here." }),
};

interface Target {
  readonly serial_number?: string | undefined;
  readonly certificate?: string | undefined;
}

/** The certificate that is meant. Throws RequestError 400. */
async function target(storage: WriteStorage, input: Target): Promise<Certificate> {
  if (input.serial_number === undefined && input.certificate === undefined) throw invalid("The serial number or certificate to revoke must be provided.");
  if (input.serial_number !== undefined && input.certificate !== undefined) throw invalid("Must provide either the certificate or the serial to revoke; not both.");
  if (input.serial_number !== undefined) {
    if (!/^[0-9a-fA-F]{2}([:-]?[0-9a-fA-F]{2})*$/.test(input.serial_number.trim())) throw invalid(`certificate with serial ${input.serial_number} not found.`);
    const der = getCertificate(storage, input.serial_number);
    if (!der) throw invalid(`certificate with serial ${input.serial_number} not found.`);
    return parseCertificate(der);
  }
  const block = pemBlocks(input.certificate!).find(({ label }) => label === "CERTIFICATE");
  if (!block) throw invalid("certificate contains no PEM data");
  const certificate = parseCertificate(block.der);
  const stored = getCertificate(storage, certificate.serial);
  if (stored) {
    if (stored.equals(certificate.der)) return certificate;
    throw invalid("certificate with same serial but unequal value already present in this cluster's storage; refusing to revoke");
  }
  const isOurs = (await allIssuers(storage)).some((issuer) => isSignedBy(certificate, issuerParts(issuer).certificate));
  if (!isOurs) throw invalid("unable to verify signature on presented cert from any present issuer in this mount; certificates from previous CAs will need to have their issuing CA and key re-imported if revocation is necessary");
  return certificate;
}

async function revoke(storage: WriteStorage, mount: Mount, certificate: Certificate): Promise<EnvelopeResponse> {
  const result = await revokeCertificate(storage, mount, certificate);
  if (result.kind === "expired") return { kind: "envelope", data: null, warnings: [`certificate with serial ${certificate.serial} already expired; refusing to add to CRL`] };
  return data({ ...revocationTimes(result.revocation), state: "revoked" });
}

export const revokePath = definePath({
  template: "revoke",
  help: { synopsis: "Revokes a certificate.", description: "It goes onto its issuer's CRL: at once, or with the next one where config/crl has auto_rebuild." },
  fields: TARGET,
  operations: { update: { effect: "write", summary: "Revoke a certificate.", handler: async ({ input }, storage, mount) => revoke(storage, mount, await target(storage, input)) } },
});

/** Whoever has the key may say that it is lost. Throws RequestError 400. */
function checkKey(text: string, certificate: Certificate): void {
  const block = pemBlocks(text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!block) throw invalid("provided key PEM block contained no data or failed to parse");
  const key = privateKeyObject(importKey(block.label, block.der));
  const own = createPublicKey(key).export({ type: "spki", format: "der" });
  const theirs = certificate.x509.publicKey.export({ type: "spki", format: "der" });
  if (!own.equals(theirs)) throw invalid("provided private key does not match certificate's public key");
}

export const revokeWithKeyPath = definePath({
  template: "revoke-with-key",
  help: { synopsis: "Revokes a certificate whose private key the caller has.", description: "As revoke, for people who may revoke their own certificates and no others." },
  fields: { ...TARGET, private_key: field.string({ description: "The certificate's private key, PEM.", sensitive: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Revoke a certificate by its private key.",
      async handler({ input }, storage, mount) {
        if (input.private_key === undefined) throw invalid("Must have private key to revoke via the /revoke-with-key path.");
        const certificate = await target(storage, input);
        checkKey(input.private_key, certificate);
        return revoke(storage, mount, certificate);
      },
    },
  },
});

/** A lease's end revokes its certificate. */
export const certificateLease: SecretKind = {
  name: LEASE_KIND,
  async revoke({ serial_number }, storage, mount) {
    const der = getCertificate(storage, String(serial_number));
    if (der) await revokeCertificate(storage, mount, parseCertificate(der));
  },
};

/** GET, as Vault has it: it is a read by its verb, and a write by what it does. */
export const rotateCrlPath = definePath({
  template: "crl/rotate",
  help: { synopsis: "Builds the CRLs anew.", description: "Every issuer's, with all that was revoked." },
  fields: {},
  operations: {
    read: {
      effect: "write",
      summary: "Build the CRLs.",
      async handler(_request, storage, mount) {
        await rebuildCrls(storage, mount);
        return data({ success: true });
      },
    },
  },
});

export const rotateDeltaCrlPath = definePath({
  template: "crl/rotate-delta",
  help: { synopsis: "Builds the delta CRLs anew.", description: "They amend the complete ones by what was revoked since." },
  fields: {},
  operations: {
    read: {
      effect: "write",
      summary: "Build the delta CRLs.",
      async handler(_request, storage, mount) {
        await rebuildDeltaCrls(storage, mount);
        return data({ success: true }, getCrlConfig(storage).enable_delta ? {} : { warnings: ["requested rebuild of delta CRL when delta CRL is not enabled; this is a no-op"] });
      },
    },
  },
});

const LISTING = pageFields("serial numbers");

export const revokedCertsPath = definePath({
  template: "certs/revoked",
  help: { synopsis: "Lists the serial numbers of revoked certificates.", description: "Until tidy forgets them." },
  fields: LISTING,
  operations: {
    list: {
      effect: "read",
      summary: "List revoked certificates.",
      handler: async ({ input }, storage) => keyList((await storage.list("revoked/", { after: input.after.replaceAll(":", "-"), limit: input.limit })).map(serialOf)),
    },
  },
});
