import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { signingKey } from "../web-tokens/testing.js";
import { jwtService, refuses } from "./testing.js";

/** Forged, replayed, truncated, oversized and type-confused tokens, against every source of keys. */
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const VERIFYING = "error validating token: error verifying token signature: ";

for (const source of ["jwks", "discovery", "keys"] as const) {
  test(`${source}: a token of a user is taken, and what is made of it is not`, async (t) => {
    const service = await jwtService({ source, alg: "RS256" });
    t.after(() => service.issuer.close());
    const { key, claims, login } = service;
    const good = await key.sign(claims());
    const [header, payload, signature] = good.split(".") as [string, string, string];
    assert.equal((await login(good)).status, 200);

    const byUnknown = source === "keys" ? `${VERIFYING}no known key successfully validated the token signature` : `${VERIFYING}failed to verify id token signature`;
    const stranger = await signingKey("one", "RS256");
    await refuses(service, async () => login(await stranger.sign(claims())), byUnknown);
    if (source !== "keys") await refuses(service, async () => login(await key.sign(claims(), { kid: "other" })), byUnknown);
    await refuses(service, () => login(`${header}.${encode({ ...claims(), sub: "root" })}.${signature}`), byUnknown);
    await refuses(service, () => login(good.slice(0, -20)), byUnknown);
    await refuses(service, () => login(`${encode({ alg: "ES256", kid: "one" })}.${payload}.${signature}`), byUnknown);

    const unexpected = /unexpected signature algorithm "(none|None|HS256|)"; expected \["ES256" /;
    for (const alg of ["none", "None"]) for (const end of ["", signature]) await refuses(service, () => login(`${encode({ alg })}.${payload}.${end}`), unexpected);
    // Whoever holds the public key would sign with it, if a verifier took it for a shared one.
    const signed = `${encode({ alg: "HS256", kid: "one", typ: "JWT" })}.${payload}`;
    for (const secret of [key.pem, key.pem.trim(), JSON.stringify(key.jwk)]) await refuses(service, () => login(`${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`), unexpected);
    await refuses(service, () => login(`${encode({ kid: "one" })}.${payload}.${signature}`), unexpected);
    await refuses(service, () => login(`${encode({ alg: "RS256", jwk: stranger.jwk })}.${payload}.${signature}`), byUnknown);

    for (const text of ["x", ".", "..", "...", `${header}.${payload}`, `${good}.${signature}`, `${header}.${payload}.`, ` ${good}`, `${good}\n`, JSON.stringify({ payload, signatures: [] }), `${encode([])}.${payload}.${signature}`, `${encode(null)}.${payload}.${signature}`]) {
      await refuses(service, () => login(text), /malformed jwt/);
    }
    await refuses(service, () => login(`${header}.${"A".repeat(200_000)}.${signature}`), `${VERIFYING}oidc: malformed jwt: the token is too large`);
    await refuses(service, () => login(""), "missing token");
    for (const value of [{ a: 1 }, [good]]) await refuses(service, () => login(value), /error converting input for field "jwt": expected string/);
    for (const value of [42, true]) await refuses(service, () => login(value), /malformed jwt/);
  });
}

test("b64, crit and tokens that are no JSON are refused though they are signed", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  await refuses(service, async () => service.login(await service.key.sign(service.claims(), { crit: ["exp"], exp: 1 }).catch(() => `${encode({ alg: "ES256", kid: "one", crit: ["exp"], exp: 1 })}.e30.AAAA`)), /failed to verify id token signature/);
  await refuses(service, () => service.login(`${encode({ alg: "ES256", kid: "one", b64: false, crit: ["b64"] })}.e30.AAAA`), /unsupported header parameter "b64"/);
});

test("claims of the wrong type are refused, not converted", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { key, claims, login, seconds } = service;
  const text = "error validating token: invalid ";
  await refuses(service, async () => login(await key.sign(claims({ exp: String(seconds() + 60) }) as never)), `${text}expiration time (exp) claim: expected a number`);
  await refuses(service, async () => login(await key.sign(claims({ iat: {} }) as never)), `${text}issued at (iat) claim: expected a number`);
  await refuses(service, async () => login(await key.sign(claims({ nbf: [1] }) as never)), `${text}not before (nbf) claim: expected a number`);
  for (const aud of [4, { coffer: true }, [["coffer"]], [4]]) await refuses(service, async () => login(await key.sign(claims({ aud }) as never)), `${text}audience (aud) claim: expected a string or a list of strings`);
  for (const iss of [[service.issuer.url], { toString: "x" }]) await refuses(service, async () => login(await key.sign(claims({ iss }) as never)), `${text}issuer (iss) claim`);
  for (const sub of [4, ["ann"], { a: 1 }]) await refuses(service, async () => login(await key.sign(claims({ sub }) as never)), 'claim "sub" could not be converted to string');
  await refuses(service, async () => login(await key.sign(claims({ sub: undefined }))), 'claim "sub" not found in token');
  await refuses(service, async () => login(await key.sign(claims({ sub: "" }))), 'claim "sub" is empty');
});

test("a claim cannot be found in what every object has", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  for (const [name, user_claim] of [["a", "toString"], ["b", "/constructor/name"], ["c", "__proto__"]] as const) {
    await service.role(name, { user_claim, user_claim_json_pointer: true });
    await refuses(service, async () => service.login(await service.key.sign(service.claims()), name), `claim "${user_claim}" not found in token`);
  }
});

test("a role's name is only ever a name", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const good = await service.key.sign(service.claims());
  for (const name of ["/", "../config", "dev/", "/dev", "a//b", "\u0000", "__proto__", "dev\u0000", "é".repeat(5000)]) await refuses(service, () => service.login(good, name), `role ${JSON.stringify(name)} could not be found`);
  await refuses(service, () => service.request("POST", "auth/jwt/login", { role: { a: 1 }, jwt: good }), /error converting input for field "role"/);
  for (const name of ["a b", "a%2Fb", "-", "é"]) await refuses(service, () => service.request("POST", `auth/jwt/role/${name}`, { role_type: "jwt", user_claim: "sub", bound_subject: "x" }), /invalid name/);
});
