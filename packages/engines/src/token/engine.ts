import type { Engine } from "@coffer/state-machine";
import { create, createOrphan } from "./create.js";
import { accessors, lookup, lookupAccessor, lookupSelfPath } from "./lookup.js";
import { renewAccessor, renewPath, renewSelf, revoke, revokeAccessor, revokeOrphanPath, revokeSelf } from "./renew-revoke.js";

/** auth/token. Its storage is `core/`: tokens belong to the core, this is their face. */
export const token: Engine = {
  type: "token",
  table: "auth",
  help: "The token credential backend is always enabled and builtin. Client tokens are used to identify a client and to allow it to associate policies and ACLs which are enforced on every request.",
  paths: [create, createOrphan, lookup, lookupSelfPath, lookupAccessor, accessors, renewPath, renewSelf, renewAccessor, revoke, revokeSelf, revokeAccessor, revokeOrphanPath],
};
