import { data, definePath, field, invalid } from "@coffer/state-machine";
import { findIssuer, issuerParts } from "./authority.js";
import { isSignedBy } from "./certificate.js";
import { allIssuers } from "./crl-rebuild.js";
import { isRoot } from "./issuer-answer.js";
import { showIssuer } from "./path-issuers.js";
import { revokeCertificate } from "./revocation.js";
import { getIssuer, getIssuersConfig, putIssuer } from "./storage.js";

const SELF_SIGNED = "This issuer is a self-signed (potentially root) certificate. This means it may not be considered revoked if there is not an external, cross-signed variant of this certificate. This issuer's serial number will not appear on its own CRL.";
const NO_PARENT =
  "This issuer lacks another parent issuer within the mount. This means it will not appear on any other CRLs and may not be considered revoked by clients. Consider adding this issuer to its issuer's CRL as well if it is not self-signed.";
const WAS_DEFAULT = "This issuer is currently configured as the default issuer for this mount; operations such as certificate issuance may not work until a new default issuer is selected.";

export const revokeIssuerPath = definePath({
  template: "issuer/{issuer_ref}/revoke",
  help: { synopsis: "Revokes an issuer.", description: "It signs no more certificates; where its own issuer is in this mount, it goes onto that one's CRL. It cannot be undone." },
  fields: { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Revoke an issuer.",
      async handler({ input }, storage, mount) {
        const issuer = findIssuer(storage, input.issuer_ref);
        if (!issuer) throw invalid(`unable to find PKI issuer for reference: ${input.issuer_ref}`);
        const { certificate } = issuerParts(issuer);
        const revokedMs = issuer.revokedMs || mount.env.now();
        putIssuer(storage, { ...issuer, revokedMs, usage: issuer.usage.filter((usage) => usage !== "issuing-certificates") });
        const warnings: string[] = [];
        const parents = (await allIssuers(storage)).filter(({ id, certificate: der }) => id !== issuer.id && der !== issuer.certificate);
        const hasParent = parents.some((parent) => isSignedBy(certificate, issuerParts(parent).certificate));
        if (hasParent) await revokeCertificate(storage, mount, certificate);
        if (isRoot(certificate)) warnings.push(SELF_SIGNED);
        if (!hasParent) warnings.push(NO_PARENT);
        if (getIssuersConfig(storage).default === issuer.id) warnings.push(WAS_DEFAULT);
        return data(showIssuer(storage, getIssuer(storage, issuer.id)!), warnings.length > 0 ? { warnings } : {});
      },
    },
  },
});
