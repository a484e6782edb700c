export { compileAcl } from "./acl.js";
export type { Acl, AclAnswer, AclQuestion } from "./acl.js";
export { CAPABILITIES, parsePolicy } from "./parse.js";
export type { Capability, ParsedPolicy, PathRule } from "./parse.js";
export { fillTemplate } from "./template.js";
export { aclFor, deletePolicy, getPolicy, listPolicies, putPolicy, writeDefaultPolicy } from "./store.js";
export { isBalanced, resolveTemplate } from "./template.js";
export type { TemplateSubject } from "./template.js";
