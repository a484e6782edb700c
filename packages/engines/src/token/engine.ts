import type { Engine } from "@coffer/state-machine";
import { accessorsPath, tidyPath } from "./path-accessors.js";
import { createAgainstRolePath, createOrphanPath, createPath } from "./path-create.js";
import { lookupAccessorPath, lookupPath, lookupSelfPath } from "./path-lookup.js";
import { renewAccessorPath, renewPath, renewSelfPath } from "./path-renew.js";
import { revokeAccessorPath, revokeOrphanPath, revokePath, revokeSelfPath } from "./path-revoke.js";
import { rolePath, rolesPath } from "./path-roles.js";

/** auth/token. Its storage is `core/`: tokens belong to the core, this is their face. */
export const token: Engine = {
  type: "token",
  table: "auth",
  help: "Tokens identify whoever makes a request. They are created, looked up, renewed and revoked here, whichever auth method they came from.",
  paths: [
    createPath, createOrphanPath, createAgainstRolePath,
    lookupPath, lookupSelfPath, lookupAccessorPath,
    renewPath, renewSelfPath, renewAccessorPath,
    revokePath, revokeSelfPath, revokeAccessorPath, revokeOrphanPath,
    accessorsPath, tidyPath, rolesPath, rolePath,
  ],
};
