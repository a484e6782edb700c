import type { Engine } from "@coffer/state-machine";
import { caPath, publicKeyPath } from "./path-ca.js";
import { credsPath, lookupPath, otpSecret, verifyPath, zeroAddressPath } from "./path-otp.js";
import { rolePath, rolesPath } from "./path-roles.js";
import { issuePath, signPath } from "./path-sign.js";

export const ssh: Engine = {
  type: "ssh",
  table: "secret",
  help: "Signs keys of users and hosts of SSH, and hands out one-time passwords for hosts.",
  paths: [caPath, publicKeyPath, rolesPath, rolePath, signPath, issuePath, credsPath, verifyPath, lookupPath, zeroAddressPath],
  secrets: [otpSecret],
};
