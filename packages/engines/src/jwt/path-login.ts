import { definePath, field, invalid } from "@coffer/state-machine";
import { audiencesOf, checkExpected } from "../web-tokens/expected.js";
import { publicKeyFrom, SIGNATURE_ALGORITHMS, TokenRefused, verifyWithKeys } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import { trustOf, verifyFrom } from "./key-sets.js";
import type { KeySource } from "./key-sets.js";
import { checkAddress, enter, leewaysOf, roleOf } from "./login.js";
import { setsOf } from "./path-config.js";
import { getConfig } from "./storage.js";
import type { JwtConfig, JwtRole } from "./storage.js";

export const loginPath = definePath({
  template: "login",
  help: { synopsis: "Logs in with a JSON Web Token.", description: "The token must be signed by one of the configured keys, be valid now, and fit the role." },
  fields: {
    role: field.lowerString({ description: "The role to log in with; by default that of the configuration.", default: "" }),
    jwt: field.string({ description: "The token (a JWS in compact form).", default: "", sensitive: true }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      roleOf: ({ input }, storage) => input.role || getConfig(storage)?.default_role || undefined,
      async handler({ input, remoteAddress }, storage, mount) {
        const config = getConfig(storage);
        if (!config) throw invalid("could not load configuration");
        const { name: roleName, role } = roleOf(storage, input.role, config);
        if (role.role_type === "oidc") throw invalid("role with oidc role_type is not allowed");
        if (input.jwt === "") throw invalid("missing token");
        checkAddress(role, remoteAddress);
        try {
          const claims = await validated(input.jwt, config, role, mount.env.now());
          if (audiencesOf(claims).length > 0 && (role.bound_audiences ?? []).length === 0) throw invalid("audience claim found in JWT but no audiences bound to the role");
          return await enter({ roleName, role, config, claims, remoteAddress }, mount);
        } catch (error) {
          throw error instanceof TokenRefused ? invalid(error.message) : error;
        }
      },
    },
  },
});

async function validated(token: string, config: JwtConfig, role: JwtRole, now: number): Promise<Claims> {
  try {
    const claims = await signed(token, config, now).catch((error: Error) => {
      throw error instanceof TokenRefused ? new TokenRefused(`error verifying token signature: ${error.message}`) : error;
    });
    checkExpected(claims, { issuer: config.bound_issuer, subject: role.bound_subject, audiences: role.bound_audiences ?? [], leeways: leewaysOf(role) }, now);
    return claims;
  } catch (error) {
    throw error instanceof TokenRefused ? new TokenRefused(`error validating token: ${error.message}`) : error;
  }
}

async function signed(token: string, config: JwtConfig, now: number): Promise<Claims> {
  const algorithms = config.jwt_supported_algs.length > 0 ? config.jwt_supported_algs : SIGNATURE_ALGORITHMS;
  if (config.jwt_validation_pubkeys.length > 0) return verifyWithKeys(token, config.jwt_validation_pubkeys.map(publicKeyFrom), algorithms);
  let refused: unknown;
  for (const source of sourcesOf(config)) {
    try {
      return await verifyFrom(source, token, algorithms, now);
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

function sourcesOf(config: JwtConfig): readonly KeySource[] {
  const { oidc_discovery_url: url } = config;
  const trust = trustOf(config);
  return url !== "" ? [{ kind: "discovery", url, ...trust }] : setsOf(config).map((pair) => ({ kind: "jwks", url: pair.jwks_url, ca: pair.jwks_ca_pem, serverNames: trust.serverNames }));
}
