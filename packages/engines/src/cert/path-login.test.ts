import "reflect-metadata";
import assert from "node:assert/strict";
import { test } from "node:test";
import * as x509 from "@peculiar/x509";
import type { Mount } from "@coffer/state-machine";
import { createAuthority } from "../testing/certificate-authority.js";
import type { CertificateOptions } from "../testing/certificate-authority.js";
import { createTestClock } from "../testing/environment.js";
import { createHarness } from "../testing/harness.js";
import { cert } from "./engine.js";
import { matchesGlob } from "./glob.js";

/** The harness's clock stands where tests' certificates are not valid: these are made around it. */
const NOW = createTestClock().now();
const HOUR = 3_600_000;
const around = { notBefore: new Date(NOW - HOUR), notAfter: new Date(NOW + 24 * HOUR) };
const text = (oid: string, value: string) => new x509.Extension(oid, false, Buffer.concat([Buffer.from([0x0c, value.length]), Buffer.from(value)]));

async function withAuthority(role: Readonly<Record<string, unknown>> = {}) {
  const harness = await createHarness();
  const { request } = harness;
  await harness.mount("auth/cert", "cert");
  const authority = await createAuthority("CN=Test Root", around);
  assert.equal((await request("POST", "auth/cert/certs/Web", { certificate: authority.certificate, token_policies: "web", token_ttl: "1h", ...role })).status, 204);
  const client = (options: Partial<CertificateOptions> = {}) => authority.issue({ subject: "CN=client.example.org,OU=ops,O=Example", ...around, ...options });
  const login = (der: Uint8Array | undefined, body: Readonly<Record<string, unknown>> = {}) => request("POST", "auth/cert/login", body, { token: "", ...(der && { clientCertificate: der }) });
  const change = async (more: Readonly<Record<string, unknown>>) => assert.equal((await request("POST", "auth/cert/certs/web", more)).status, 204, JSON.stringify(more));
  return { ...harness, authority, client, login, change };
}

const INVALID = "invalid certificate or no client certificate supplied";
const NO_MATCH = "no chain matching all constraints could be found for this login certificate";

test("a certificate of the CA logs in, by name of the role or without", async () => {
  const { request, store, client, login } = await withAuthority();
  const { der, serial } = await client();
  for (const body of [{}, { name: "WEB" }]) {
    const index = store.index();
    const { status, body: answer } = await login(der, body);
    assert.equal(store.index(), index + 1, "token, entity and alias are one entry");
    assert.equal(status, 200, JSON.stringify(answer));
    const { policies, metadata, lease_duration } = answer["auth"] as { policies: string[]; metadata: Record<string, string>; lease_duration: number };
    assert.deepEqual([policies, lease_duration, metadata["cert_name"], metadata["common_name"], metadata["serial_number"]], [["default", "web"], 3600, "web", "client.example.org", BigInt(`0x${serial}`).toString()]);
    assert.match(metadata["authority_key_id"]!, /^([0-9a-f]{2}:){19}[0-9a-f]{2}$/);
    const self = (await request("GET", "auth/token/lookup-self", undefined, { token: answer["auth"].client_token as string })).body["data"] as Record<string, unknown>;
    assert.equal(self["display_name"], "cert-web");
  }
  assert.deepEqual((await login(der, { name: "other" })).body.errors, [INVALID]);
});

test("what is no certificate, of another CA, truncated, altered, too old or too new gets nobody in, and writes nothing", async () => {
  const { client, login, store } = await withAuthority();
  const { der } = await client();
  const twin = await createAuthority("CN=Test Root", around);
  const altered = Uint8Array.from(der);
  altered[altered.length - 5]! ^= 1;
  const refused: readonly (readonly [Uint8Array | undefined, string])[] = [
    [undefined, "no client certificate found"],
    [Buffer.from("no certificate"), INVALID],
    [der.slice(0, -10), INVALID],
    [altered, INVALID],
    [new Uint8Array(1_000_000), INVALID],
    [(await twin.issue({ subject: "CN=client.example.org", ...around })).der, INVALID],
    [(await client({ notBefore: new Date(NOW - 2 * HOUR), notAfter: new Date(NOW - HOUR) })).der, "failed to verify client's certificate: certificate has expired or is not yet valid"],
    [(await client({ notBefore: new Date(NOW + HOUR) })).der, "failed to verify client's certificate: certificate has expired or is not yet valid"],
    [(await client({ usages: [x509.ExtendedKeyUsage.serverAuth] })).der, "failed to verify client's certificate: certificate specifies an incompatible key usage"],
    [(await client({ extensions: [new x509.Extension("1.2.3.4", true, Buffer.from("0500", "hex"))] })).der, "failed to verify client's certificate: unhandled critical extension"],
  ];
  const before = store.index();
  for (const [shown, message] of refused) {
    const { status, body } = await login(shown);
    assert.deepEqual([status, body.errors], [400, [message]]);
  }
  assert.equal((await login(der, { name: ["web"] })).status, 400);
  assert.equal(store.index(), before);
});

test("a client's certificate makes no other, whatever it signs", async () => {
  const { client, login } = await withAuthority();
  const { asAuthority } = await client();
  const forged = await asAuthority().issue({ subject: "CN=root.example.org", ...around });
  assert.deepEqual((await login(forged.der)).body.errors, [INVALID]);
});

test("a chain goes through intermediate certificates, as far as they may go", async () => {
  const { authority, login, change } = await withAuthority();
  const middle = await authority.intermediate("CN=Middle", around);
  const { der } = await middle.issue({ subject: "CN=deep", ...around });
  assert.deepEqual((await login(der)).body.errors, [INVALID]);
  await change({ certificate: `${authority.certificate}\n${middle.certificate}` });
  assert.equal((await login(der)).status, 200);
  await change({ certificate: middle.certificate });
  assert.equal((await login(der)).status, 200, "an intermediate one can be trusted by itself");
  const narrow = await authority.intermediate("CN=Narrow", { ...around, pathLength: 0 });
  const below = await narrow.intermediate("CN=Below", around);
  await change({ certificate: `${authority.certificate}\n${narrow.certificate}\n${below.certificate}` });
  assert.equal((await login((await narrow.issue({ subject: "CN=a", ...around })).der)).status, 200);
  assert.equal((await login((await below.issue({ subject: "CN=b", ...around })).der)).status, 200, "by the intermediate one that is trusted itself");
  const old = await authority.intermediate("CN=Old", { notBefore: new Date(NOW - 2 * HOUR), notAfter: new Date(NOW - HOUR) });
  await change({ certificate: old.certificate });
  assert.match((await login((await old.issue({ subject: "CN=c", ...around })).der)).body.errors![0]!, /expired/);
});

test("what a client sends with its certificate leads to a trusted one, and is not trusted itself", async () => {
  const { authority, request, change } = await withAuthority();
  const middle = await authority.intermediate("CN=Middle", around);
  const below = await middle.intermediate("CN=Below", around);
  const { der } = await below.issue({ subject: "CN=deep", ...around });
  const login = (...clientIntermediates: Uint8Array[]) => request("POST", "auth/cert/login", {}, { token: "", clientCertificate: der, clientIntermediates });
  const sent = await login(below.der, middle.der);
  assert.deepEqual([sent.status, sent.body["auth"]?.metadata.common_name], [200, "deep"]);
  assert.equal((await login(below.der, middle.der, authority.der)).status, 200, "the trusted one may come along");
  const stranger = await createAuthority("CN=Below", around);
  const refused: readonly (readonly Uint8Array[])[] = [[], [below.der], [middle.der], [stranger.der, middle.der], [below.der, stranger.der], [Buffer.from("none")], Array.from({ length: 100 }, () => below.der)];
  for (const chain of refused) assert.deepEqual((await login(...chain)).body.errors, [INVALID]);
  const other = await createAuthority("CN=Other Root", around);
  await change({ certificate: other.certificate });
  assert.deepEqual((await login(below.der, middle.der, authority.der)).body.errors, [INVALID], "a client brings no root along");
  await change({ certificate: `${authority.certificate}\n${below.certificate}` });
  assert.equal((await login()).status, 200);
  await change({ certificate: authority.certificate });
  await request("POST", "auth/cert/crls/list", { crl: await authority.revocationList([middle.serial]) });
  assert.deepEqual((await login(below.der, middle.der)).body.errors, [NO_MATCH], "nor one that is revoked");
});

test("the very certificate of a client can be trusted", async () => {
  const { request, client, login } = await withAuthority();
  await request("DELETE", "auth/cert/certs/web");
  const [own, other] = [await client(), await client()];
  assert.equal((await request("POST", "auth/cert/certs/pinned", { certificate: own.certificate, display_name: "mine" })).status, 204);
  assert.equal((await login(own.der)).status, 200);
  assert.deepEqual((await login(other.der)).body.errors, [INVALID]);
  await request("POST", "auth/cert/certs/pinned", { allowed_common_names: "nobody" });
  assert.deepEqual((await login(own.der)).body.errors, [NO_MATCH]);
});

test("a role asks for names, units and extensions", async () => {
  const { client, login, change } = await withAuthority();
  const { der } = await client({ names: [{ type: "dns", value: "a.example.org" }, { type: "email", value: "me@example.org" }, { type: "url", value: "spiffe://example/a" }], extensions: [text("1.2.3.45", "blue")] });
  const rows: readonly (readonly [string, string, string])[] = [
    ["allowed_names", "*.example.org,x", "y"],
    ["allowed_names", "me@*", "*.example.com"],
    ["allowed_common_names", "client.*", "a.example.org"],
    ["allowed_dns_sans", "a.*.org", "client.example.org"],
    ["allowed_email_sans", "*@example.org", "example.org"],
    ["allowed_uri_sans", "spiffe://example/*", "spiffe://other/*"],
    ["allowed_organizational_units", "ops", "dev"],
    ["allowed_organizations", "acme,Ex*", "ops"],
    ["required_extensions", "1.2.3.45:b*", "1.2.3.45:red"],
    ["required_extensions", "hex:1.2.3.45:0c04626c7565", "hex:1.2.3.45:00*"],
    ["required_extensions", "1.2.3.45:*", "1.2.3.46:*"],
  ];
  for (const [field, good, bad] of rows) {
    await change({ [field]: good });
    assert.equal((await login(der)).status, 200, `${field}: ${good}`);
    await change({ [field]: bad });
    assert.deepEqual((await login(der)).body.errors, [NO_MATCH], `${field}: ${bad}`);
    await change({ [field]: [] });
  }
  await change({ allowed_metadata_extensions: "1.2.3.45,1.2.3.99" });
  const { metadata } = (await login(der)).body["auth"] as { metadata: Record<string, string> };
  assert.deepEqual([metadata["1-2-3-45"], metadata["1-2-3-99"]], ["blue", undefined]);
});

test("a revoked certificate, or one below a revoked one, gets nobody in", async () => {
  const { request, authority, client, login, change } = await withAuthority();
  const [good, bad] = [await client(), await client()];
  const middle = await authority.intermediate("CN=Middle", around);
  const below = await middle.issue({ subject: "CN=below", ...around });
  await change({ certificate: `${authority.certificate}\n${middle.certificate}` });
  assert.equal((await login(below.der)).status, 200);
  assert.equal((await request("POST", "auth/cert/crls/One", { crl: await authority.revocationList([bad.serial, middle.serial]) })).status, 204);
  assert.deepEqual((await login(bad.der)).body.errors, [NO_MATCH]);
  assert.deepEqual((await login(below.der)).body.errors, [NO_MATCH]);
  assert.equal((await login(good.der)).status, 200);
  assert.deepEqual((await request("LIST", "auth/cert/crls")).body["data"].keys, ["one"]);
  assert.ok(BigInt(`0x${bad.serial}`).toString() in ((await request("GET", "auth/cert/crls/one")).body["data"].serials as object));
  assert.equal((await request("DELETE", "auth/cert/crls/one")).status, 204);
  assert.equal((await login(bad.der)).status, 200);
  const stranger = await createAuthority("CN=Somebody", around);
  await request("POST", "auth/cert/crls/two", { crl: await stranger.revocationList([good.serial]) });
  assert.equal((await login(good.der)).status, 200, "a list of another issuer says nothing of this one's certificates");
  for (const body of [{}, { crl: "nothing" }, { crl: authority.certificate }, { url: "" }, { url: "ftp://x/crl" }, { url: "http://127.0.0.1:1/crl" }]) assert.equal((await request("POST", "auth/cert/crls/x", body)).status, 400, JSON.stringify(body));
  assert.deepEqual((await request("GET", "auth/cert/crls/none")).body.errors, ["no such CRL none"]);
});

test("a role that trusts nothing, or asks for what there is not, is refused, and nothing is written", async () => {
  const { request, authority, client, store } = await withAuthority();
  const server = await client({ usages: [x509.ExtendedKeyUsage.serverAuth] });
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{}, /failed to parse certificate/],
    [{ certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }, /failed to parse certificate/],
    [{ certificate: server.certificate }, /should have TLS client authentication set/],
    [{ certificate: authority.certificate, ocsp_ca_certificates: "x" }, /failed to parse ocsp_ca_certificates/],
    [{ certificate: authority.certificate, ocsp_servers_override: "ldap://x" }, /no URL of http or https/],
    [{ certificate: authority.certificate, ocsp_max_retries: 99 }, /ocsp_max_retries must be/],
    [{ certificate: authority.certificate, required_extensions: "name" }, /is not OID:VALUE/],
    [{ certificate: authority.certificate, allowed_metadata_extensions: "name" }, /is no OID/],
    [{ certificate: authority.certificate, token_ttl: 2, token_max_ttl: 1 }, /cannot be greater/],
    [{ certificate: { pem: "" } }, /expected a string/],
  ];
  const before = store.index();
  for (const [body, message] of refused) {
    const { status, body: answer } = await request("POST", "auth/cert/certs/x", body);
    assert.equal(status, 400, JSON.stringify(Object.keys(body)));
    assert.match(answer.errors![0]!, message);
  }
  assert.equal((await request("POST", "auth/cert/config", { ocsp_cache_size: 1 })).status, 400);
  assert.equal(store.index(), before);
});

test("a token is renewed for the certificate that logged in, while it is not revoked and its role says the same", async () => {
  const { request, authority, client, store, change } = await withAuthority();
  const [own, other] = [await client(), await client()];
  const uuid = (await request("GET", "sys/auth/cert")).body["uuid"] as string;
  const mount = { env: { now: () => NOW } } as Mount;
  const login = { role: "web", certificate: Buffer.from(own.der).toString("base64"), policies: ["web"] };
  const renew = (clientCertificate: Uint8Array | undefined) => store.evaluate((tx) => cert.renewLogin!(login, tx.scoped(`logical/${uuid}/`), mount, { clientCertificate, remoteAddress: "" }) as Promise<void>);
  await renew(own.der);
  await assert.rejects(Promise.resolve(renew(other.der)), /client identity during renewal not matching/);
  await assert.rejects(Promise.resolve(renew(undefined)), /no client certificate found/);
  assert.equal((await request("POST", "auth/cert/crls/list", { crl: await authority.revocationList([own.serial]) })).status, 204);
  await assert.rejects(Promise.resolve(renew(own.der)), /no chain matching all constraints/);
  await request("DELETE", "auth/cert/crls/list");
  assert.equal((await request("POST", "auth/cert/config", { disable_binding: true })).status, 204);
  await renew(undefined);
  await change({ token_policies: "more" });
  await assert.rejects(Promise.resolve(renew(own.der)), /policies have changed/);
  await request("DELETE", "auth/cert/certs/web");
  await assert.rejects(Promise.resolve(renew(own.der)), /not there any more/);
});

test("a renewal goes by what the role gives now, however it is bound", async () => {
  const { request, client, login, change } = await withAuthority();
  const { der } = await client();
  const token = (await login(der)).body["auth"].client_token as string;
  const renew = async (body = {}) => (await request("POST", "auth/token/renew-self", body, { token, clientCertificate: der })).body["auth"].lease_duration as number;
  assert.equal(await renew(), 3600);
  await change({ token_ttl: "2h", token_max_ttl: "3h" });
  assert.deepEqual([await renew(), await renew({ increment: "9h" })], [7200, 10_800]);
  await request("POST", "auth/cert/config", { disable_binding: true });
  await change({ token_period: "5m" });
  assert.equal(await renew({ increment: "9h" }), 300);
});

test("a pattern fits a whole text", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [["", "", true], ["", "a", false], ["*", "", true], ["a*c", "abc", true], ["a*c", "ac", true], ["a*c", "acb", false], ["ab*b", "ab", false], ["*b*", "abc", true], ["a**c", "abc", true], ["*a*a*", "a", false], [".", "a", false]];
  for (const [pattern, value, fits] of rows) assert.equal(matchesGlob(pattern, value), fits, `${pattern} ${value}`);
});
