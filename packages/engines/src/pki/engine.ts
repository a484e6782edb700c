import type { Engine } from "@coffer/state-machine";
import { acmeSlice } from "./acme-work.js";
import { rebuildDueCrls } from "./crl-rebuild.js";
import { acmePaths } from "./path-acme.js";
import { acmeConfigPaths } from "./path-acme-config.js";
import { configClusterPath, configCrlPath, configIssuersPath, configKeysPath, configUrlsPath } from "./path-config.js";
import { certPath, certRawPath, certRawPemPath, certsDetailedPath, certsPath, issuerPublicPaths, publicPaths } from "./path-fetch.js";
import { configCaPath, importBundlePath, importCertPath, setSignedPath } from "./path-import.js";
import { crossSignPath, generateIntermediatePath, issuersGenerateIntermediatePath } from "./path-intermediate.js";
import { issuePath, issuerIssuePath, issuerSignPath, issuerSignVerbatimPath, issuerSignVerbatimRolePath, signPath, signVerbatimPath, signVerbatimRolePath } from "./path-issue.js";
import { issuerJsonPath, issuerPath, issuersPath } from "./path-issuers.js";
import { generateKeyPath, importKeyPath, keyPath, keysPath } from "./path-keys.js";
import { batchCertsPath, metadataListPath, metadataPath } from "./path-metadata.js";
import { ocspGetPath, ocspPostPath } from "./path-ocsp.js";
import { certificateLease, revokedCertsPath, revokePath, revokeWithKeyPath, rotateCrlPath, rotateDeltaCrlPath } from "./path-revoke.js";
import { resignCrlsPath, signRevocationListPath } from "./path-resign-crls.js";
import { revokeIssuerPath } from "./path-revoke-issuer.js";
import { rolePath, rolesPath } from "./path-roles.js";
import { deleteRootPath, generateRootPath, issuersGenerateRootPath, replaceRootPath, rotateRootPath } from "./path-root.js";
import { issuerSignIntermediatePath, issuerSignSelfIssuedPath, signIntermediatePath, signSelfIssuedPath } from "./path-sign-ca.js";
import { autoTidyPath, tidyCancelPath, tidyPath, tidyStatusPath } from "./path-tidy.js";
import { tidySlice } from "./tidy.js";

export const pki: Engine = {
  type: "pki",
  table: "secret",
  help: "A certificate authority: it makes keys, signs X.509 certificates by the rules of roles, and tells which were revoked.",
  paths: [
    ...[rolesPath, rolePath],
    ...[issuePath, issuerIssuePath, signPath, issuerSignPath, signVerbatimPath, signVerbatimRolePath, issuerSignVerbatimPath, issuerSignVerbatimRolePath],
    ...[generateRootPath, issuersGenerateRootPath, rotateRootPath, replaceRootPath, deleteRootPath],
    ...[generateIntermediatePath, issuersGenerateIntermediatePath, crossSignPath, setSignedPath],
    ...[signIntermediatePath, issuerSignIntermediatePath, signSelfIssuedPath, issuerSignSelfIssuedPath],
    ...[configCaPath, importBundlePath, importCertPath],
    ...[issuersPath, issuerPath, issuerJsonPath, ...issuerPublicPaths, revokeIssuerPath],
    ...[keysPath, keyPath, generateKeyPath, importKeyPath],
    ...[configIssuersPath, configKeysPath, configUrlsPath, configClusterPath, configCrlPath],
    ...[certsPath, certsDetailedPath, revokedCertsPath, certPath, certRawPath, certRawPemPath, metadataListPath, metadataPath, batchCertsPath, ...publicPaths],
    ...[revokePath, revokeWithKeyPath, rotateCrlPath, rotateDeltaCrlPath, resignCrlsPath, signRevocationListPath, ocspPostPath, ocspGetPath],
    ...[tidyPath, tidyStatusPath, tidyCancelPath, autoTidyPath],
    ...[...acmeConfigPaths, ...acmePaths],
  ],
  secrets: [certificateLease],
  async periodic(storage, mount) {
    await rebuildDueCrls(storage, mount);
    const moreAcme = await acmeSlice(storage, mount);
    return (await tidySlice(storage, mount)) || moreAcme;
  },
};
