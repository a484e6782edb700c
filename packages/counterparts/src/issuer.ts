import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { startWebServer } from "./web-server.js";
import type { WebServer } from "./web-server.js";

/** Somebody who issues JSON Web Tokens and publishes the key, as OpenID Connect's discovery says (https://openid.net/specs/openid-connect-discovery-1_0.html). */
export interface Issuer extends WebServer {
  /** A token that is good for five minutes, with these claims beside `iss` and the times. */
  token(claims: Readonly<Record<string, unknown>>): string;
}

const KEY_ID = "1";
const LIFETIME_SECONDS = 300;
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

export async function startIssuer(): Promise<Issuer> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...createPublicKey(privateKey).export({ format: "jwk" }), kid: KEY_ID, use: "sig", alg: "RS256" };
  const server: WebServer = await startWebServer((request) => {
    if (request.url === "/.well-known/openid-configuration") {
      const { url } = server;
      return { json: { issuer: url, jwks_uri: `${url}/jwks`, authorization_endpoint: `${url}/authorize`, token_endpoint: `${url}/token`, response_types_supported: ["code", "id_token"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["RS256"] } };
    }
    return request.url === "/jwks" ? { json: { keys: [key] } } : { status: 404, json: {} };
  });
  return {
    ...server,
    token(claims) {
      const now = Math.floor(Date.now() / 1000);
      const signed = `${encode({ alg: "RS256", typ: "JWT", kid: KEY_ID })}.${encode({ iss: server.url, iat: now, nbf: now, exp: now + LIFETIME_SECONDS, ...claims })}`;
      return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
    },
  };
}
