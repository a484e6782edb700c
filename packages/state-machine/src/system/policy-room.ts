import { deletePolicy, getPolicy, listPolicies, putPolicy } from "../policy/index.js";
import type { PolicyStore } from "./rooms.js";

/** The policy room as sys/ uses it. */
export const policyStore: PolicyStore = {
  list: listPolicies,
  read: getPolicy,
  write: putPolicy,
  remove: deletePolicy,
};
