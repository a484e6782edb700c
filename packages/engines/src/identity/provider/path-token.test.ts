import assert from "node:assert/strict";
import { test } from "node:test";
import { BACK, CHALLENGE, prepared, PROVIDER, refusal, refused, VERIFIER } from "./testing.js";
import type { Values } from "./testing.js";
import type { RawAnswer } from "../../testing/harness.js";

test("a code is good once, for five minutes, also when two come with it at once", async () => {
  const { codeFor, redeem, clock, doDueWork, store } = await prepared();
  const gone = [400, "invalid_grant", "authorization grant is invalid or expired"];
  const first = await codeFor();
  const both = await Promise.all([redeem(first), redeem(first)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400]);
  assert.deepEqual(refused(await redeem(first)), gone);
  const spoilt = await codeFor();
  assert.equal((await redeem(spoilt, { redirect_uri: "https://evil.test" })).status, 400);
  assert.deepEqual(refused(await redeem(spoilt)), gone);
  const late = await codeFor();
  clock.advance(301);
  assert.deepEqual(refused(await redeem(late)), gone);
  await codeFor();
  clock.advance(301);
  await doDueWork();
  const { value: left } = await store.evaluate((tx) => tx.scoped("core/").keys("identity/oidc/code/"));
  assert.deepEqual(left, []);
  assert.deepEqual(refused(await redeem("nonsense")), gone);
});

test("a client shows who it is by Basic authentication or in the body, and is told apart by its secret", async () => {
  const { codeFor, redeem, basic, id, secret } = await prepared();
  assert.equal((await redeem(await codeFor())).status, 200);
  assert.equal((await redeem(await codeFor(), { client_id: id, client_secret: secret }, {})).status, 200);
  const unknown = [401, "invalid_client", "client failed to authenticate"];
  const code = await codeFor();
  for (const headers of [basic(id, "wrong"), basic("nobody"), basic(id, "")]) {
    const answer = await redeem(code, {}, headers);
    assert.deepEqual([...refused(answer), answer.headers["WWW-Authenticate"]], [...unknown, "Basic"]);
  }
  assert.deepEqual(refused(await redeem(code, { client_id: id, client_secret: "wrong" }, {})), unknown);
  assert.deepEqual(refused(await redeem(code, {}, {})), [400, "invalid_request", "client_id parameter is required"]);
  assert.equal((await redeem(code)).status, 200, "who is nobody uses up no code");
});

test("a public client has no secret and has to use PKCE", async () => {
  const { request, authorize, codeFor, redeem, id, secret } = await prepared({ client: { client_type: "public" } });
  assert.equal(secret, undefined);
  assert.equal((await request("GET", "identity/oidc/client/web")).body["data"].client_type, "public");
  assert.deepEqual(refusal(await authorize()), [400, "invalid_request", "PKCE is required for public clients"]);
  const pkce = { code_challenge: CHALLENGE, code_challenge_method: "S256" };
  assert.equal((await redeem(await codeFor(pkce), { client_id: id, code_verifier: VERIFIER }, {})).status, 200);
  assert.deepEqual(refused(await redeem(await codeFor(pkce), { client_id: id, code_verifier: `${VERIFIER}x` }, {})), [400, "invalid_grant", "invalid code_verifier for token exchange"]);
  assert.deepEqual(refused(await redeem(await codeFor(pkce), { client_id: id }, {})), [400, "invalid_request", "expected code_verifier for token exchange"]);
});

test("PKCE holds for confidential clients who use it, plain too", async () => {
  const { authorize, codeFor, redeem } = await prepared();
  assert.equal((await redeem(await codeFor({ code_challenge: VERIFIER }), { code_verifier: VERIFIER })).status, 200);
  assert.deepEqual(refused(await redeem(await codeFor(), { code_verifier: VERIFIER })), [400, "invalid_request", "unexpected code_verifier for token exchange"]);
  assert.deepEqual(refusal(await authorize({ code_challenge: "short" })), [400, "invalid_request", "invalid code_challenge"]);
  assert.deepEqual(refusal(await authorize({ code_challenge: CHALLENGE, code_challenge_method: "S512" })), [400, "invalid_request", "invalid code_challenge_method"]);
});

test("what may not be exchanged is refused, and says why", async () => {
  const { request, codeFor, redeem, basic, entityId, groupId } = await prepared();
  await request("POST", "identity/oidc/client/second", { key: "k", redirect_uris: BACK, assignments: "allow_all" });
  const second = (await request("GET", "identity/oidc/client/second")).body["data"] as Values;
  await request("POST", PROVIDER, { allowed_client_ids: "*" });
  const says = async (error: string, description: string, answer: RawAnswer) => assert.deepEqual(refused(answer), [error === "invalid_client" ? 401 : 400, error, description]);
  const bySecond = basic(second["client_id"], second["client_secret"]);
  await says("invalid_request", "provider not found", await redeem("x", {}, basic(), "identity/oidc/provider/nope"));
  await says("unsupported_grant_type", "unsupported grant_type or parameter is empty value", await redeem("x", { grant_type: "password" }));
  await says("invalid_request", "code parameter is required", await redeem(""));
  await says("invalid_grant", "authorization code was not issued to the client", await redeem(await codeFor(), {}, bySecond));
  await says("invalid_grant", "authorization code was not issued by the provider", await redeem(await codeFor(), {}, basic(), "identity/oidc/provider/default"));
  await says("invalid_request", "redirect_uri parameter is required", await redeem(await codeFor(), { redirect_uri: "" }));
  await says("invalid_grant", "redirect_uri does not match the redirect_uri used in the authorization request", await redeem(await codeFor(), { redirect_uri: `${BACK}/x` }));
  const beforeDisabled = await codeFor();
  await request("POST", `identity/entity/id/${entityId}`, { disabled: true });
  await says("invalid_request", "identity entity not authorized by client assignment", await redeem(beforeDisabled));
  await request("POST", `identity/entity/id/${entityId}`, { disabled: false });
  const beforeLeft = await codeFor();
  await request("POST", `identity/group/id/${groupId}`, { member_entity_ids: [] });
  await says("invalid_request", "identity entity not authorized by client assignment", await redeem(beforeLeft));
  await request("POST", `identity/group/id/${groupId}`, { member_entity_ids: [entityId] });
  await request("POST", "identity/oidc/key/k", { allowed_client_ids: second["client_id"] });
  await says("invalid_client", "client is not authorized to use the key", await redeem(await codeFor()));
  await request("POST", PROVIDER, { allowed_client_ids: second["client_id"] });
  await says("invalid_client", "client is not authorized to use the provider", await redeem("x"));
});
