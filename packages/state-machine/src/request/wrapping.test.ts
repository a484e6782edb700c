import assert from "node:assert/strict";
import { test } from "node:test";
import { compactVerify, importJWK, SignJWT, generateKeyPair } from "jose";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";

const WRAP = { headers: { "x-vault-wrap-ttl": "60s" } };
const GONE = { errors: ["wrapping token is not valid or does not exist"] };

async function wrapped({ ask }: Rig): Promise<string> {
  await ask("update", "kv/a", { b: 1 });
  return (await ask("read", "kv/a", undefined, WRAP)).body.wrap_info.token;
}

test("a wrapped answer tells only where it went", async () => {
  const { ask } = await createRig();
  await ask("update", "kv/a", { b: 1 });
  const { status, body } = await ask("read", "kv/a", undefined, WRAP);
  const { wrap_info: info, ...rest } = body;
  assert.equal(status, 200);
  assert.deepEqual(rest, { request_id: "", lease_id: "", renewable: false, lease_duration: 0, data: null, warnings: null, auth: null, mount_type: "" });
  assert.deepEqual(Object.keys(info), ["token", "accessor", "ttl", "creation_time", "creation_path"]);
  assert.deepEqual([info.ttl, info.creation_time, info.creation_path], [60, "2026-01-02T03:04:05.000Z", "kv/a"]);
});

test("the token opens it once, by header or by body; then everybody is told so", async () => {
  const rig = await createRig();
  const { ask } = rig;
  const own = await wrapped(rig);
  const first = await ask("update", "sys/wrapping/unwrap", undefined, { token: own });
  assert.deepEqual([first.status, first.body.data, first.body.mount_type, first.contentType], [200, { b: 1 }, "kv", "application/json"]);
  const named = await wrapped(rig);
  assert.deepEqual((await ask("update", "sys/wrapping/unwrap", { token: named })).body.data, { b: 1 });
  for (const again of [
    await ask("update", "sys/wrapping/unwrap", undefined, { token: own }),
    await ask("update", "sys/wrapping/unwrap", { token: own }),
    await ask("update", "sys/wrapping/unwrap", { token: own }, { token: null }),
    await ask("update", "sys/wrapping/unwrap", { token: "root" }),
    await ask("update", "sys/wrapping/unwrap"),
    await ask("update", "sys/wrapping/rewrap", { token: named }),
    await ask("update", "sys/wrapping/lookup", { token: named }, { token: null }),
    await ask("read", "sys/wrapping/lookup", undefined, { token: own }),
  ]) assert.deepEqual([again.status, again.body], [400, GONE]);
  const nothing = await ask("update", "sys/wrapping/unwrap", {}, { token: null });
  assert.deepEqual([nothing.status, nothing.body], [403, { errors: ["error validating wrapping token: token is empty"] }]);
});

test("of two who unwrap at once, one gets it", async () => {
  const rig = await createRig();
  const token = await wrapped(rig);
  const both = await Promise.all([rig.ask("update", "sys/wrapping/unwrap", undefined, { token }), rig.ask("update", "sys/wrapping/unwrap", { token })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400]);
});

test("who names a wrapping token in the body needs the right to unwrap", async () => {
  const rig = await createRig();
  const token = await wrapped(rig);
  assert.equal((await rig.ask("update", "sys/wrapping/unwrap", { token }, { token: null })).status, 403);
  assert.equal((await rig.ask("update", "sys/wrapping/unwrap", { token }, { token: await rig.token([]) })).status, 403);
  assert.equal((await rig.ask("update", "sys/wrapping/unwrap", { token }, { token: await rig.token(["default"]) })).status, 200);
});

test("a wrapping token is good for nothing else, and trying uses it up", async () => {
  const rig = await createRig();
  const token = await wrapped(rig);
  assert.equal((await rig.ask("read", "kv/a", undefined, { token })).status, 403);
  assert.deepEqual((await rig.ask("update", "sys/wrapping/unwrap", undefined, { token })).body, GONE);
});

test("lookup needs no token of one's own and does not use it up", async () => {
  const rig = await createRig();
  const token = await wrapped(rig);
  for (const looked of [
    await rig.ask("update", "sys/wrapping/lookup", { token }, { token: null }),
    await rig.ask("update", "sys/wrapping/lookup", undefined, { token }),
    await rig.ask("read", "sys/wrapping/lookup", undefined, { token }),
  ]) assert.deepEqual(looked.body.data, { creation_path: "kv/a", creation_time: "2026-01-02T03:04:05.000Z", creation_ttl: 60 });
  assert.equal((await rig.ask("update", "sys/wrapping/unwrap", undefined, { token })).status, 200);
});

test("rewrap moves the answer to a new token with the old path and TTL", async () => {
  const rig = await createRig();
  const token = await wrapped(rig);
  rig.advance(30);
  const { body } = await rig.ask("update", "sys/wrapping/rewrap", { token });
  assert.deepEqual([body.request_id, body.data, body.wrap_info.ttl, body.wrap_info.creation_path], ["", null, 60, "kv/a"]);
  rig.advance(45);
  assert.deepEqual((await rig.ask("update", "sys/wrapping/unwrap", { token })).body, GONE);
  assert.deepEqual((await rig.ask("update", "sys/wrapping/unwrap", { token: body.wrap_info.token })).body.data, { b: 1 });
});

test("it ends with its time, and nothing is left in storage", async () => {
  const rig = await createRig();
  const token = await wrapped(rig);
  rig.advance(61);
  assert.deepEqual((await rig.ask("update", "sys/wrapping/unwrap", { token })).body, GONE);
  await rig.expire();
  const { value: left } = await rig.store.evaluate((tx) => tx.keys("core/wrapping/"));
  assert.deepEqual(left, []);
});

test("what one sends to wrap comes back, once", async () => {
  const { ask } = await createRig();
  const refused = await ask("update", "sys/wrapping/wrap", { a: "b" });
  assert.deepEqual([refused.status, refused.body], [400, { errors: ["endpoint requires response wrapping to be used"] }]);
  const { body } = await ask("update", "sys/wrapping/wrap", { a: "b", n: 5 }, WRAP);
  assert.equal(body.wrap_info.creation_path, "sys/wrapping/wrap");
  const opened = await ask("update", "sys/wrapping/unwrap", undefined, { token: body.wrap_info.token });
  assert.deepEqual(Object.keys(opened.body), ["request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth", "mount_type"]);
  assert.deepEqual(opened.body.data, { a: "b", n: 5 });
});

test("a wrapped login names the accessor of the token inside", async () => {
  const { ask } = await createRig();
  const { body } = await ask("update", "auth/login/login/bob", { password: "let-me-in" }, { token: null, ...WRAP });
  const opened = await ask("update", "sys/wrapping/unwrap", undefined, { token: body.wrap_info.token });
  assert.equal(opened.body.auth.accessor, body.wrap_info.wrapped_accessor);
  assert.equal(body.auth, null);
});

test("a miss, an error and an empty answer are not wrapped; a TTL must be one", async () => {
  const { ask } = await createRig();
  assert.equal((await ask("read", "kv/none", undefined, WRAP)).status, 404);
  assert.equal((await ask("read", "counter/fail/politely", undefined, WRAP)).status, 400);
  assert.equal((await ask("update", "kv/a", { b: 1 }, WRAP)).status, 204);
  const bad = (ttl: string) => ask("read", "kv/a", undefined, { headers: { "x-vault-wrap-ttl": ttl } });
  assert.deepEqual((await bad("abc")).body, { errors: ['error parsing X-Vault-Wrap-TTL header: time: invalid duration "abc"'] });
  assert.deepEqual((await bad("-5")).body, { errors: ["error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative"] });
  assert.equal((await bad("5m")).body.wrap_info.ttl, 300);
});

test("a policy can demand wrapping, within limits", async () => {
  const { ask, policy, token } = await createRig();
  await ask("update", "kv/a", { b: 1 });
  await policy("p", 'path "kv/a" {\n  capabilities = ["read"]\n  min_wrapping_ttl = "10s"\n  max_wrapping_ttl = "1m"\n}');
  const bearer = await token(["p"]);
  const status = async (ttl?: string) => (await ask("read", "kv/a", undefined, { token: bearer, ...(ttl && { headers: { "x-vault-wrap-ttl": ttl } }) })).status;
  assert.deepEqual([await status(), await status("9"), await status("10"), await status("60"), await status("61")], [403, 403, 200, 200, 403]);
});

const AS_JWT = { headers: { "x-vault-wrap-ttl": "60s", "x-vault-wrap-format": "jwt" } };
const claimsOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split(".")[1]!, "base64url").toString());

async function wrappedAsJwt({ ask }: Rig): Promise<string> {
  await ask("update", "kv/a", { b: 1 });
  return (await ask("read", "kv/a", undefined, AS_JWT)).body.wrap_info.token;
}

test("a wrapping token is told as a JWT, which the published key verifies, and opens wherever the token does", async () => {
  const rig = await createRig();
  const { ask } = rig;
  const jwt = await wrappedAsJwt(rig);
  const { body } = await ask("read", "sys/wrapping/pubkey", undefined, { token: null });
  assert.deepEqual([body.data.jwt_curve, body.jwt_x], ["p521", body.data.jwt_x]);
  const coordinate = (decimal: string) => Buffer.from(BigInt(decimal).toString(16).padStart(132, "0"), "hex").toString("base64url");
  const { protectedHeader } = await compactVerify(jwt, await importJWK({ kty: "EC", crv: "P-521", x: coordinate(body.data.jwt_x), y: coordinate(body.data.jwt_y) }, "ES512"));
  assert.deepEqual(protectedHeader, { alg: "ES512", typ: "JWT" });
  const { iat, exp, nbf, type, addr, jti } = claimsOf(jwt);
  assert.deepEqual([exp - iat, iat - nbf, type, typeof addr], [60, 5, "wrapping", "string"]);
  assert.match(jti, /^hvs\./);

  for (const looked of [await ask("read", "sys/wrapping/lookup", undefined, { token: jwt }), await ask("update", "sys/wrapping/lookup", { token: jwt }, { token: null })]) assert.equal(looked.body.data.creation_path, "kv/a");
  assert.deepEqual((await ask("update", "sys/wrapping/unwrap", undefined, { token: jwt })).body.data, { b: 1 });
  assert.deepEqual((await ask("update", "sys/wrapping/unwrap", undefined, { token: jwt })).body, GONE);
  assert.deepEqual((await ask("update", "sys/wrapping/unwrap", { token: await wrappedAsJwt(rig) })).body.data, { b: 1 });
  const again = await ask("update", "sys/wrapping/rewrap", { token: await wrappedAsJwt(rig) });
  assert.match(again.body.wrap_info.token, /^hvs\./);
  const asJwt = await ask("update", "sys/wrapping/rewrap", { token: again.body.wrap_info.token }, { headers: { "x-vault-wrap-format": "jwt" } });
  assert.equal(claimsOf(asJwt.body.wrap_info.token).type, "wrapping");
  assert.deepEqual((await ask("update", "sys/wrapping/unwrap", { token: asJwt.body.wrap_info.token })).body.data, { b: 1 });
  assert.deepEqual(rig.problems, []);
});

test("a JWT that was altered, is somebody else's, or stands for something else opens nothing", async () => {
  const rig = await createRig();
  const jwt = await wrappedAsJwt(rig);
  const [header, payload, signature] = jwt.split(".") as [string, string, string];
  const altered = Buffer.from(JSON.stringify({ ...claimsOf(jwt), addr: "https://elsewhere" })).toString("base64url");
  const { privateKey } = await generateKeyPair("ES512");
  const foreign = await new SignJWT(claimsOf(jwt)).setProtectedHeader({ alg: "ES512", typ: "JWT" }).sign(privateKey);
  const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
  for (const bad of [`${header}.${altered}.${signature}`, foreign, none, "aaaaa.bbbb.cccc"]) {
    for (const answer of [await rig.ask("update", "sys/wrapping/unwrap", undefined, { token: bad }), await rig.ask("update", "sys/wrapping/unwrap", { token: bad })]) {
      assert.equal(answer.status, 403);
      assert.match(answer.body.errors[0], /^error validating wrapping token: /);
    }
  }
  assert.equal((await rig.ask("read", "kv/a", undefined, { token: jwt })).status, 403, "it is no token elsewhere");
  assert.deepEqual((await rig.ask("update", "sys/wrapping/unwrap", undefined, { token: jwt })).body.data, { b: 1 });
  assert.deepEqual(rig.problems, []);
});
