import { timingSafeEqual } from "node:crypto";
import { RequestError, equivalentPolicies, invalid, renewalFor } from "@coffer/state-machine";
import type { Engine, LoginRenewal, Mount, ReadStorage, Renewal } from "@coffer/state-machine";
import { refetchLists } from "./lists.js";
import { certPath, certsPath } from "./path-certs.js";
import { configPath } from "./path-config.js";
import { crlPath, crlsPath } from "./path-crls.js";
import { loginPath } from "./path-login.js";
import { getConfig, getRole } from "./storage.js";
import { verifyClient } from "./verify.js";

/** Throws RequestError: the role has to be there and to say the same, and the same certificate has to be shown, and still be good. */
async function renewLogin({ role: name, certificate, policies }: Readonly<Record<string, unknown>>, storage: ReadStorage, mount: Mount, by: Renewal): Promise<LoginRenewal> {
  const role = typeof name === "string" ? getRole(storage, name) : undefined;
  if (!role) throw new RequestError("permission_denied", "the role is not there any more, not renewing");
  if (!equivalentPolicies(role.tokens.parameters.token_policies, policies as readonly string[])) throw invalid("policies have changed, not renewing");
  if (getConfig(storage).disable_binding) return renewalFor(role.tokens);
  const { client } = await verifyClient(storage, by, role.name, mount.env);
  const original = Buffer.from(String(certificate), "base64");
  if (original.length !== client.node.raw.length || !timingSafeEqual(original, client.node.raw)) throw new RequestError("permission_denied", "client identity during renewal not matching client identity used during login");
  return renewalFor(role.tokens);
}

/**
 * Logins by TLS client certificates.
 * Source: https://developer.hashicorp.com/vault/api-docs/auth/cert
 */
export const cert: Engine = {
  type: "cert",
  table: "auth",
  help: "Logs clients in by the certificates of their TLS connections.",
  paths: [certsPath, certPath, crlsPath, crlPath, configPath, loginPath],
  renewLogin,
  roleOfLogin: ({ role }) => String(role),
  async periodic(storage, { env }) {
    await refetchLists(storage, env.now());
    return false;
  },
};
