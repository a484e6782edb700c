import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startOidcProvider } from "@coffer/counterparts";
import { createHarness } from "./harness.js";
import type { HarnessOptions } from "./harness.js";

export const REDIRECT = "http://localhost:8250/oidc/callback";

/** `auth/oidc/` before a real provider, whose clock is that of the service. */
export async function service(t: TestContext, options: Partial<Parameters<typeof startOidcProvider>[0]> = {}, harnessOptions: HarnessOptions = {}) {
  const harness = await createHarness(harnessOptions);
  const provider = await startOidcProvider({ redirectUris: [REDIRECT], ...options });
  t.after(() => provider.close());
  harness.clock.advance((Date.now() - harness.clock.now()) / 1000);
  await harness.mount("auth/oidc", "oidc");
  const config = { oidc_discovery_url: provider.url, oidc_client_id: provider.clientId, oidc_client_secret: provider.clientSecret, default_role: "dev" };
  const written = await harness.request("POST", "auth/oidc/config", config);
  assert.equal(written.status, 204, written.text);
  const role = async (body: Readonly<Record<string, unknown>> = {}) => {
    const answer = await harness.request("POST", "auth/oidc/role/dev", { user_claim: "sub", allowed_redirect_uris: REDIRECT, token_policies: "dev", oidc_scopes: "profile,groups", groups_claim: "groups", claim_mappings: { name: "full_name" }, ...body });
    assert.ok(answer.status < 300, answer.text);
  };
  await role();
  const begun = async (body: Readonly<Record<string, unknown>> = {}) => harness.request("POST", "auth/oidc/oidc/auth_url", { redirect_uri: REDIRECT, client_nonce: "mine", ...body }, { token: "" });
  const begin = async (body: Readonly<Record<string, unknown>> = {}) => {
    const answer = await begun(body);
    assert.equal(answer.status, 200, answer.text);
    return answer.body["data"].auth_url as string;
  };
  const end = (query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) => harness.request("GET", "auth/oidc/oidc/callback", undefined, { token: "", query, headers });
  const poll = (body: Readonly<Record<string, unknown>>) => harness.request("POST", "auth/oidc/oidc/poll", body, { token: "" });
  /** What the browser brings back. */
  const visited = async (user = "ann", body: Readonly<Record<string, unknown>> = {}) => {
    const back = await provider.visit(await begin(body), user);
    return { state: back.searchParams.get("state")!, code: back.searchParams.get("code")!, client_nonce: "mine" };
  };
  return { ...harness, provider, config, role, begun, begin, end, poll, visited };
}
