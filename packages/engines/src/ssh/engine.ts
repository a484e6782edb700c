import type { Engine } from "@coffer/state-machine";
import { caPath, publicKeyPath } from "./path-ca.js";
import { configIssuersPath, importNamedPath, importPath, issuerPath, issuerPublicKeyPath, issuersPath, tidyDynamicKeysPath } from "./path-issuers.js";
import { credsPath, lookupPath, otpSecret, verifyPath, zeroAddressPath } from "./path-otp.js";
import { rolePath, rolesPath } from "./path-roles.js";
import { issuePath, signPath } from "./path-sign.js";

export const ssh: Engine = {
  type: "ssh",
  table: "secret",
  help: "Signs keys of users and hosts of SSH, and hands out one-time passwords for hosts.",
  paths: [caPath, publicKeyPath, configIssuersPath, issuersPath, importPath, importNamedPath, issuerPath, issuerPublicKeyPath, tidyDynamicKeysPath, rolesPath, rolePath, signPath, issuePath, credsPath, verifyPath, lookupPath, zeroAddressPath],
  secrets: [otpSecret],
};
