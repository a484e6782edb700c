import type { Engine } from "@coffer/state-machine";
import { entityAliasPaths } from "./path-entity-alias.js";
import { entityBatchDeletePath, entityByIdPath, entityByNamePath, entityIdsPath, entityMergePath, entityNamesPath, entityPath } from "./path-entity.js";
import { groupAliasByIdPath, groupAliasIdsPath, groupAliasPath } from "./path-group-alias.js";
import { groupByIdPath, groupByNamePath, groupIdsPath, groupNamesPath, groupPath } from "./path-group.js";
import { loginEnforcementPath, loginEnforcementsPath } from "./path-login-enforcement.js";
import { lookupEntityPath, lookupGroupPath } from "./path-lookup.js";
import { askedMethodPaths, mfaMethodPath, mfaMethodsPath, totpAdminDestroyPath, totpAdminGeneratePath, totpGeneratePath, totpMethodPath, totpMethodsPath } from "./path-mfa-method.js";
import { oidcConfigPath, oidcDiscoveryPath, oidcKeysDocumentPath } from "./path-oidc-discovery.js";
import { oidcKeyPath, oidcKeysPath, oidcRotatePath } from "./path-oidc-key.js";
import { oidcRolePath, oidcRolesPath } from "./path-oidc-role.js";
import { oidcIntrospectPath, oidcTokenPath } from "./path-oidc-token.js";
import { assignmentPath, assignmentsPath } from "./provider/path-assignment.js";
import { authorizePath } from "./provider/path-authorize.js";
import { clientPath, clientsPath } from "./provider/path-client.js";
import { providerPath, providersPath } from "./provider/path-provider.js";
import { providerDiscoveryPath, providerKeysPath } from "./provider/path-published.js";
import { scopePath, scopesPath } from "./provider/path-scope.js";
import { providerTokenPath } from "./provider/path-token.js";
import { userInfoPath } from "./provider/path-userinfo.js";

/** identity/. Its storage is `core/`: who somebody is belongs to the core, this is its face. */
export const identity: Engine = {
  type: "identity",
  table: "secret",
  help: "Knows who is who: entities and their aliases on auth mounts, and groups of them, with the policies that these add to tokens.",
  paths: [
    entityPath, entityIdsPath, entityNamesPath, entityByIdPath, entityByNamePath, entityBatchDeletePath, entityMergePath,
    ...entityAliasPaths,
    groupPath, groupIdsPath, groupNamesPath, groupByIdPath, groupByNamePath,
    groupAliasPath, groupAliasIdsPath, groupAliasByIdPath,
    lookupEntityPath, lookupGroupPath,
    mfaMethodsPath, mfaMethodPath, totpMethodsPath, totpMethodPath, totpGeneratePath, totpAdminGeneratePath, totpAdminDestroyPath, ...askedMethodPaths,
    loginEnforcementPath, loginEnforcementsPath,
    oidcConfigPath, oidcKeysPath, oidcKeyPath, oidcRotatePath, oidcRolesPath, oidcRolePath, oidcTokenPath, oidcIntrospectPath, oidcKeysDocumentPath, oidcDiscoveryPath,
    assignmentsPath, assignmentPath, scopesPath, scopePath, clientsPath, clientPath, providersPath, providerPath,
    providerDiscoveryPath, providerKeysPath, authorizePath, providerTokenPath, userInfoPath,
  ],
};
