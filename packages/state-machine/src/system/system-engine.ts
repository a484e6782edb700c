import type { Engine } from "../framework/index.js";
import { activityPaths } from "./path-activity.js";
import { auditPaths } from "./path-audit.js";
import { autopilotPaths } from "./path-autopilot.js";
import { capabilityPaths } from "./path-capabilities.js";
import { catalogPaths } from "./path-catalog.js";
import { configPaths } from "./path-config.js";
import { counterPaths } from "./path-counters.js";
import { diagnosticPaths } from "./path-diagnostics.js";
import { generateRootPaths, recoveryTokenPaths } from "./path-generate-root.js";
import { haStatusPath, healthPath, leaderPath, stepDownPath } from "./path-health.js";
import { internalPaths } from "./path-internal.js";
import { keyringPaths } from "./path-keyring.js";
import { leasePaths } from "./path-leases.js";
import { lockoutPaths } from "./path-locked-users.js";
import { mfaPaths } from "./path-mfa.js";
import { mountPaths, remountPaths } from "./path-mounts.js";
import { observePaths } from "./path-observe.js";
import { passwordPolicyPaths } from "./path-password-policies.js";
import { aclPolicyPaths } from "./path-policies.js";
import { productPaths } from "./path-product.js";
import { quotaPaths } from "./path-quotas.js";
import { raftPaths } from "./path-raft.js";
import { rawPaths } from "./path-raw.js";
import { refusedPaths } from "./path-refused.js";
import { rekeyPaths } from "./path-rekey.js";
import { rotatePaths } from "./path-rotate.js";
import { initPath, sealBackendsPath, sealPath, sealStatusPath, unsealPath } from "./path-seal.js";
import { toolPaths } from "./path-tools.js";
import { wrappingPaths } from "./path-wrapping.js";
import type { SystemServices } from "./services.js";

/** Mounted at sys/. Its storage is the whole of `core/`. */
export const systemEngine: Engine<SystemServices> = {
  type: "system",
  table: "secret",
  help: "Controls the cluster: seal, mounts, policies, leases, audit devices, Raft and more.",
  paths: [
    initPath, sealStatusPath, sealBackendsPath, unsealPath, sealPath, ...generateRootPaths, ...rekeyPaths, ...rotatePaths,
    healthPath, leaderPath, stepDownPath, haStatusPath,
    ...mountPaths, ...remountPaths, ...aclPolicyPaths, ...passwordPolicyPaths, ...capabilityPaths, ...auditPaths, ...leasePaths, ...wrappingPaths, ...mfaPaths, ...lockoutPaths, ...quotaPaths,
    ...keyringPaths, ...raftPaths, ...autopilotPaths, ...toolPaths, ...observePaths, ...configPaths, ...internalPaths, ...counterPaths, ...activityPaths, ...productPaths, ...diagnosticPaths, ...catalogPaths, ...refusedPaths,
  ],
};

/** The same with sys/raw, which an operator has to open. */
export const rawSystemEngine: Engine<SystemServices> = { ...systemEngine, paths: [...systemEngine.paths, ...rawPaths] };

/** All that a node in recovery mode serves. */
export const recoveryEngine: Engine<SystemServices> = { type: "system", table: "secret", help: "Reads and changes what is stored, on a node alone, to mend what keeps the service from running.", paths: [...recoveryTokenPaths, ...rawPaths] };
