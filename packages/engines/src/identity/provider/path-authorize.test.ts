import assert from "node:assert/strict";
import { test } from "node:test";
import { BACK, prepared, PROVIDER, refusal } from "./testing.js";
import type { Values } from "./testing.js";

test("what may not be authorized is refused, and says why", async () => {
  const { request, authorize, login, token, clock, tokenOf, id, rootToken } = await prepared();
  const says = async (error: string, description: string, more: Values, by?: string, path?: string) => assert.deepEqual(refusal(await authorize(more, by, path)), [400, error, description]);
  await says("invalid_client_id", "client_id parameter is required", { client_id: "" });
  await says("invalid_client_id", "client with client_id not found", { client_id: "nobody" });
  await says("invalid_request", "redirect_uri parameter is required", { redirect_uri: "" });
  for (const uri of [`${BACK}/`, "https://app.test:444/back", "https://evil.test/back", "nonsense"]) await says("invalid_redirect_uri", "redirect_uri is not allowed for the client", { redirect_uri: uri });
  await says("invalid_request", "provider not found", {}, token, "identity/oidc/provider/nope");
  await says("invalid_request", 'scope parameter must contain the "openid" value', { scope: "profile" });
  await says("invalid_request", "response_type parameter is required", { response_type: "" });
  await says("unsupported_response_type", "unsupported response_type value", { response_type: "token" });
  await says("invalid_request", "max_age must be greater than zero", { max_age: "0" });
  await says("invalid_request", "prompt=none cannot be combined with other values", { prompt: "none login" });
  await says("request_not_supported", "request parameter is not supported", { request: "x" });
  await says("request_uri_not_supported", "request_uri parameter is not supported", { request_uri: "x" });
  await says("access_denied", "identity entity must be associated with the request", {}, rootToken);
  clock.advance(61);
  await says("max_age_violation", "active re-authentication is required by max_age", { max_age: "60" });
  assert.equal((await authorize({ prompt: "none", scope: "openid unknown" })).status, 200);
  const { entity_id: stranger } = (await login("eve")).body["auth"];
  await request("POST", `identity/entity/id/${stranger as string}`, { policies: ["people"] });
  await says("access_denied", "identity entity not authorized by client assignment", {}, await tokenOf("eve"));
  await request("POST", PROVIDER, { allowed_client_ids: "somebody-else" });
  await says("unauthorized_client", "client is not authorized to use the provider", {});
  assert.equal((await authorize({}, "")).status, 403, "without a token nobody is anybody");
  assert.equal((await request("GET", "identity/oidc/provider/default/authorize", undefined, { token, query: { client_id: id, redirect_uri: BACK, response_type: "code", scope: "openid" } })).body["state"], "");
});

test("a loopback redirect may use any port", async () => {
  const { authorize } = await prepared({ client: { redirect_uris: ["http://127.0.0.1/cb", "http://localhost:1/cb", "http://[::1]:8000/cb"] } });
  for (const uri of ["http://127.0.0.1:5000/cb", "http://localhost/cb", "http://[::1]/cb"]) assert.equal((await authorize({ redirect_uri: uri })).status, 200, uri);
  for (const uri of ["http://127.0.0.1:5000/other", "https://localhost/cb", "http://127.0.0.2/cb"]) assert.equal((await authorize({ redirect_uri: uri })).status, 400, uri);
});
