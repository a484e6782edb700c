import { jsonObject, outgoing } from "../outgoing/request.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import { claimAt } from "./claims.js";
import type { JwtConfig, JwtRole } from "./storage.js";

/** The graph API that AAD's claims still name is gone; Microsoft's stands in its place. */
const SUCCESSORS: Readonly<Record<string, string>> = { "graph.windows.net": "graph.microsoft.com", "graph.microsoftazure.us": "graph.microsoft.us" };

/**
 * The groups of a user who has too many for a token (more than 200): the token then says where they are
 * (OpenID Connect Core, 5.6.2, distributed claims). Undefined where the token holds them. Throws TokenRefused.
 * https://learn.microsoft.com/en-us/graph/api/directoryobject-getmemberobjects
 */
export async function azureGroups(config: JwtConfig, { groups_claim: claim }: JwtRole, claims: Claims, accessToken: string | undefined): Promise<readonly unknown[] | undefined> {
  if (claim === "" || claimAt(claims, claim) !== undefined) return undefined;
  const source = claimAt(claims, `/_claim_names/${claim}`);
  if (typeof source !== "string") throw new TokenRefused(`unable to get claim sources: unable to locate groups claim ${JSON.stringify(claim)} in _claim_names`);
  const endpoint = claimAt(claims, `/_claim_sources/${source}/endpoint`);
  if (typeof endpoint !== "string" || !URL.canParse(endpoint)) throw new TokenRefused("unable to get claim sources: the source of the groups claim has no endpoint");
  const url = new URL(endpoint);
  const successor = SUCCESSORS[url.host];
  if (successor !== undefined) {
    url.host = successor;
    url.pathname = `/v1.0${url.pathname}`;
  }
  if (url.protocol !== "https:" && !config.oidc_discovery_url.startsWith("http:")) throw new TokenRefused("the source of the groups claim is not https");
  if (accessToken === undefined) throw new TokenRefused(`${JSON.stringify(claim)} claim not found in token: token unavailable to call Microsoft Graph API`);
  const { status, text } = await outgoing({
    url: url.href,
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ securityEnabledOnly: false }),
    ca: config.oidc_discovery_ca_pem,
  }).catch((error: Error) => {
    throw new TokenRefused(`${JSON.stringify(claim)} claim not found in token: unable to call Microsoft Graph API: ${error.message}`);
  });
  const groups = status === 200 ? jsonObject(text)?.["value"] : undefined;
  if (!Array.isArray(groups)) throw new TokenRefused(`${JSON.stringify(claim)} claim not found in token: failed to get groups: status ${status}`);
  return groups;
}
