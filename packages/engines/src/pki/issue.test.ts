import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import { atSeconds, createPki, createPkiWithRoot, openSsl } from "./testing.js";

const GUIDE_ROLE = {
  allowed_domains: "internal.company.com,internal",
  allow_subdomains: true,
  allow_bare_domains: true,
  allow_localhost: true,
  max_ttl: "720h",
  key_type: "ec",
  key_bits: 256,
  require_cn: true,
  client_flag: true,
  server_flag: true,
  key_usage: "[DigitalSignature,KeyAgreement,KeyEncipherment]",
  ext_key_usage: "[ServerAuth,ClientAuth]",
};

test("an RSA root with a full subject issues the certificates of a role on a curve, and OpenSSL agrees", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPki();
  const root = await pki.data("POST", "root/generate/internal", {
    common_name: "Company Internal Root CA",
    ttl: "87600h",
    key_type: "rsa",
    key_bits: 4096,
    ou: "Security Team",
    organization: "Company Inc.",
    country: "US",
    province: "California",
    locality: "San Francisco",
  });
  assert.deepEqual(Object.keys(root).sort(), ["certificate", "expiration", "issuer_id", "issuer_name", "issuing_ca", "key_id", "key_name", "serial_number"]);
  const ca = openssl.file("ca.pem", root["certificate"] as string);
  const subject = openssl("x509", "-in", ca, "-noout", "-subject", "-ext", "basicConstraints,keyUsage");
  assert.match(subject, /subject=C = US, O = Company Inc\., OU = Security Team, L = San Francisco, ST = California, CN = Company Internal Root CA/);
  assert.match(subject, /CA:TRUE/);
  assert.match(subject, /Certificate Sign, CRL Sign/);
  await pki.ask("POST", "config/urls", { issuing_certificates: "https://vault.internal:8200/v1/pki/ca", crl_distribution_points: "https://vault.internal:8200/v1/pki/crl" });
  await pki.ask("POST", "roles/service-certs", GUIDE_ROLE);
  const role = await pki.data("GET", "roles/service-certs");
  assert.deepEqual([role["key_usage"], role["ext_key_usage"]], [["DigitalSignature", "KeyAgreement", "KeyEncipherment"], ["ServerAuth", "ClientAuth"]]);

  const issued = await pki.data("POST", "issue/service-certs", { common_name: "api.internal.company.com", ttl: "720h", alt_names: "api.internal", ip_sans: "10.0.1.100,10.0.1.101" });
  assert.deepEqual(Object.keys(issued).sort(), ["ca_chain", "certificate", "expiration", "issuing_ca", "private_key", "private_key_type", "serial_number"]);
  assert.equal(issued["private_key_type"], "ec");
  assert.match(issued["private_key"] as string, /^-----BEGIN EC PRIVATE KEY-----\n/);
  assert.equal(issued["issuing_ca"], root["certificate"]);
  assert.deepEqual(issued["ca_chain"], [root["certificate"]]);
  assert.match(issued["serial_number"] as string, /^([0-9a-f]{2}:){19}[0-9a-f]{2}$/);
  assert.equal(issued["expiration"], pki.clock.now() / 1000 + 720 * 3600);
  const leaf = openssl.file("leaf.pem", issued["certificate"] as string);
  assert.match(openssl("verify", "-x509_strict", "-attime", atSeconds(pki), "-CAfile", ca, leaf), /: OK/);
  const text = openssl("x509", "-in", leaf, "-noout", "-text");
  assert.match(text, /DNS:api\.internal\.company\.com, DNS:api\.internal, IP Address:10\.0\.1\.100, IP Address:10\.0\.1\.101/);
  assert.match(text, /Digital Signature, Key Encipherment, Key Agreement/);
  assert.match(text, /TLS Web Server Authentication, TLS Web Client Authentication/);
  assert.match(text, /CA Issuers - URI:https:\/\/vault\.internal:8200\/v1\/pki\/ca/);
  assert.match(text, /URI:https:\/\/vault\.internal:8200\/v1\/pki\/crl/);
  // The same certificate is there by its serial number.
  assert.equal((await pki.data("GET", `cert/${issued["serial_number"]}`))["certificate"], `${issued["certificate"]}\n`);
  assert.ok((await pki.data("LIST", "certs"))["keys"].includes(issued["serial_number"]));
  assert.equal(await pki.refusal("issue/service-certs", { common_name: "api.internal.company.com", alt_names: "api.internal,api" }), "subject alternate name api not allowed by this role");
});

test("a TLS server shows an issued certificate, and a client that knows the root believes it", async (t) => {
  const pki = await createPkiWithRoot();
  // TLS judges by the clock on the wall.
  pki.clock.advance(Math.floor((Date.now() - pki.clock.now()) / 1000));
  const fresh = await pki.data("POST", "root/generate/internal", { common_name: "Now Root", key_type: "ec", ttl: "24h", issuer_name: "now" });
  for (const key_type of ["ec", "ed25519", "rsa"]) {
    await pki.ask("POST", `roles/${key_type}`, { allow_localhost: true, key_type, issuer_ref: "now" });
    const { certificate, private_key } = await pki.data("POST", `issue/${key_type}`, { common_name: "localhost", ttl: "1h" });
    const server = createServer({ cert: certificate as string, key: private_key as string }, (socket) => socket.end("hello")).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", servername: "localhost", ca: fresh["certificate"] as string });
    await once(client, "secureConnect");
    assert.equal(client.authorized, true, key_type);
    assert.equal(String(await once(client, "data")), "hello");
    server.close();
  }
});

test("formats: DER is base64, a bundle holds key, certificate and chain, PKCS#8 is one on every type", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const der = await pki.data("POST", "issue/any", { common_name: "a.example.com", format: "der" });
  const leaf = openssl.file("leaf.der", Buffer.from(der["certificate"], "base64"));
  assert.match(openssl("x509", "-inform", "der", "-in", leaf, "-noout", "-subject"), /a\.example\.com/);
  assert.match(openssl("ec", "-inform", "der", "-in", openssl.file("key.der", Buffer.from(der["private_key"], "base64")), "-noout", "-text"), /prime256v1/);
  assert.ok(!String(der["ca_chain"][0]).includes("BEGIN"));
  const bundle = await pki.data("POST", "issue/any", { common_name: "a.example.com", format: "pem_bundle" });
  assert.equal(bundle["certificate"].match(/-----BEGIN ([A-Z ]+)-----/g).join(), "-----BEGIN EC PRIVATE KEY-----,-----BEGIN CERTIFICATE-----,-----BEGIN CERTIFICATE-----");
  for (const [key_type, key_bits] of [["ec", 224], ["ec", 384], ["ec", 521], ["ed25519", 0], ["rsa", 2048]] as const) {
    await pki.ask("POST", "roles/typed", { allow_any_name: true, key_type, key_bits });
    const { certificate, private_key, private_key_type } = await pki.data("POST", "issue/typed", { common_name: "b.example.com", private_key_format: "pkcs8" });
    assert.equal(private_key_type, key_type);
    assert.match(private_key, /^-----BEGIN PRIVATE KEY-----/);
    const fromKey = openssl("pkey", "-in", openssl.file("k.pem", private_key), "-pubout");
    assert.equal(openssl("x509", "-in", openssl.file("c.pem", certificate), "-noout", "-pubkey"), fromKey, `${key_type} ${key_bits}`);
  }
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", format: "p12" }), /invalid value for format/);
});

test("lives are cut at the role's and the mount's limits, and at the issuer's own end as that says", async () => {
  const pki = await createPkiWithRoot();
  const now = pki.clock.now() / 1000;
  const long = await pki.ask("POST", "issue/any", { common_name: "a.example.com", ttl: "9000h" });
  assert.equal(long.body["data"].expiration, now + 8760 * 3600);
  assert.match(long.body.warnings![0]!, /longer than permitted maxTTL "8760h0m0s"/);
  // The mount's default too, where nobody asked for a time.
  await pki.ask("POST", "roles/short", { allow_any_name: true, key_type: "ec", max_ttl: "10h" });
  assert.deepEqual((await pki.ask("POST", "issue/short", { common_name: "a.example.com" })).body.warnings, ['TTL "768h0m0s" is longer than permitted maxTTL "10h0m0s", so maxTTL is being used']);
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", not_after: "2034-01-01T00:00:00Z" }), /beyond the expiration of the CA certificate at 2030-12-31T00:00:00Z/);
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", not_after: "2034-01-01T00:00:00Z", ttl: "1h" }), /Either ttl or not_after/);
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", not_after: "tomorrow" }), /must be a time like/);
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", not_after: "2020-01-01T00:00:00Z" }), /in the past/);
  await pki.request("PATCH", "pki/issuer/default", { leaf_not_after_behavior: "truncate" });
  assert.equal((await pki.data("POST", "issue/any", { common_name: "a.example.com", not_after: "2034-01-01T00:00:00Z" }))["expiration"], Date.parse("2030-12-31T00:00:00Z") / 1000);
  await pki.request("PATCH", "pki/issuer/default", { leaf_not_after_behavior: "permit" });
  assert.equal((await pki.data("POST", "issue/any", { common_name: "a.example.com", not_after: "2034-01-01T00:00:00Z" }))["expiration"], Date.parse("2034-01-01T00:00:00Z") / 1000);
});

test("what callers may say of beginning and end is the role's to say", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const at = (seconds: number) => new Date(pki.clock.now() + seconds * 1000).toISOString().replace(".000Z", "Z");
  const role = (more: Record<string, unknown>) => pki.ask("POST", "roles/timed", { allow_any_name: true, key_type: "ec", ttl: "1h", not_before_duration: "1m", ...more });
  const dates = async (more: Record<string, unknown>) => {
    const { certificate } = await pki.data("POST", "issue/timed", { common_name: "a.example.com", ...more });
    const text = openssl("x509", "-in", openssl.file("c.pem", certificate), "-noout", "-startdate", "-enddate");
    return [...text.matchAll(/=(.*)/g)].map((match) => (Date.parse(match[1]!) - pki.clock.now()) / 1000);
  };
  const refused = (more: Record<string, unknown>) => pki.refusal("issue/timed", { common_name: "a.example.com", ...more });
  await role({});
  assert.deepEqual(await dates({}), [-60, 3600]);
  assert.deepEqual(await dates({ not_before: at(-7200), not_after: at(7200) }), [-7200, 7200]);
  assert.match(await refused({ not_before: at(3600), not_after: at(1800) }), /is not after NotBefore/);
  assert.match(await refused({ not_before: "yesterday" }), /not_before must be a time/);
  await role({ not_before_bound: "duration", not_after_bound: "ttl-limited" });
  assert.deepEqual(await dates({ not_before: at(-30), not_after: at(3600) }), [-30, 3600]);
  assert.match(await refused({ not_before: at(-61) }), /older than the allowed not_before_duration of 1m0s/);
  assert.match(await refused({ not_after: at(3601) }), /beyond the TTL of 1h0m0s/);
  await role({ not_before_bound: "forbid", not_after_bound: "forbid" });
  assert.match(await refused({ not_before: at(-30) }), /not_before cannot be provided/);
  assert.match(await refused({ not_after: at(30) }), /not_after cannot be provided/);
  await role({ not_before: at(-10), not_after_bound: at(1800) });
  assert.match(await refused({}), /beyond the maximum timestamp/);
  assert.deepEqual(await dates({ ttl: "10m" }), [-10, 600]);
});

test("an issuer that always refuses to be outlived refuses CAs too", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const path = openssl.file("ca.csr", "");
  openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k.pem", "-out", path, "-subj", "/CN=Below");
  const body = { csr: readFileSync(path, "utf8"), common_name: "Below", ttl: "87600h" };
  await pki.data("POST", "root/sign-intermediate", body);
  assert.equal((await pki.data("PATCH", "issuer/default", { leaf_not_after_behavior: "always_enforce_err" }))["leaf_not_after_behavior"], "always_enforce_err");
  assert.match(await pki.refusal("root/sign-intermediate", body), /beyond the expiration of the CA certificate/);
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", not_after: "2034-01-01T00:00:00Z" }), /beyond the expiration of the CA certificate/);
  await pki.data("POST", "root/sign-intermediate", { ...body, ttl: "1h" });
});

test("what a role does not allow is refused, and leaves nothing", async () => {
  const pki = await createPkiWithRoot();
  await pki.ask("POST", "roles/strict", { allowed_domains: "example.com", allow_subdomains: true, key_type: "ec", allow_ip_sans: false, allow_wildcard_certificates: false });
  const before = pki.store.index();
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ common_name: "example.com" }, /common name example\.com not allowed by this role/],
    [{ common_name: "a.example.org" }, /not allowed by this role/],
    [{ common_name: "*.example.com" }, /not allowed by this role/],
    [{}, /the common_name field is required/],
    [{ common_name: "a.example.com", alt_names: "b.example.com,c.org" }, /subject alternate name c\.org not allowed/],
    [{ common_name: "a.example.com", alt_names: "me@example.org" }, /email address me@example\.org not allowed/],
    [{ common_name: "a.example.com", ip_sans: "10.0.0.1" }, /IP Subject Alternative Names are not allowed in this role/],
    [{ common_name: "a.example.com", ip_sans: "10.0.0.256" }, /is not a valid IP address/],
    [{ common_name: "a.example.com", uri_sans: "spiffe://x" }, /URI Subject Alternative Names are not allowed/],
    [{ common_name: "a.example.com", other_sans: "1.3.6.1.4.1.311.20.2.3;UTF8:me" }, /other SAN OID 1\.3\.6\.1\.4\.1\.311\.20\.2\.3 not allowed/],
    [{ common_name: "a.example.com", other_sans: "nonsense" }, /expected a semicolon/],
    [{ common_name: "a.example.com", serial_number: "1" }, /serial_number 1 not allowed/],
    [{ common_name: "a.example.com", user_ids: "me" }, /user_id me is not allowed/],
    [{ common_name: "a.example.com", ttl: "soon" }, /invalid duration/],
    [{ common_name: `${"a".repeat(64)}.example.com` }, /idna|not allowed/],
  ];
  for (const [body, message] of refused) assert.match(await pki.refusal("issue/strict", body), message, JSON.stringify(body));
  assert.match(await pki.refusal("issue/none", { common_name: "a" }), /unknown role: none/);
  assert.match(await pki.refusal("issuer/none/issue/any", { common_name: "a.example.com" }), /unable to find PKI issuer for reference: none/);
  await pki.ask("POST", "roles/open", { allow_any_name: true, key_type: "any" });
  assert.match(await pki.refusal("issue/open", { common_name: "a" }), /not allowed for issuing/);
  assert.equal(pki.store.index(), before + 1);
});

test("alternative names of every kind stand in the certificate as OpenSSL reads them", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  await pki.ask("POST", "roles/rich", {
    allow_any_name: true, key_type: "ec", allowed_uri_sans: "spiffe://*", allowed_other_sans: "1.3.6.1.4.1.311.20.2.3;utf8:*@example.com", allowed_serial_numbers: "S-*", allowed_user_ids: "u*",
    policy_identifiers: '[{"oid":"1.3.6.1.4.1.32473.1.2","cps":"https://example.com/cps","notice":"Mind the gap"}]', ext_key_usage_oids: "1.3.6.1.5.5.7.3.17", code_signing_flag: true, email_protection_flag: true,
    basic_constraints_valid_for_non_ca: true, organization: "A,B", ou: "Zwölf",
  });
  const { certificate } = await pki.data("POST", "issue/rich", {
    common_name: "a.example.com", alt_names: "b.example.com, me@example.com,*.c.example.com,münchen.example.com", ip_sans: ["10.0.0.1", "2001:db8::1"], uri_sans: "spiffe://example.com/x",
    other_sans: "1.3.6.1.4.1.311.20.2.3;utf8:me@example.com", serial_number: "S-1", user_ids: ["u1", "u2"],
  });
  const text = openssl("x509", "-in", openssl.file("c.pem", certificate), "-noout", "-text", "-nameopt", "utf8,sep_comma_plus");
  assert.match(text, /Subject: O=A\+O=B,OU=Zwölf,CN=a\.example\.com,serialNumber=S-1,UID=u1,UID=u2/);
  assert.match(text, /othername: UPN:+me@example\.com, DNS:a\.example\.com, DNS:b\.example\.com, DNS:\*\.c\.example\.com, DNS:xn--mnchen-3ya\.example\.com, email:me@example\.com, IP Address:10\.0\.0\.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe:\/\/example\.com\/x/);
  assert.match(text, /Policy: 1\.3\.6\.1\.4\.1\.32473\.1\.2\s+User Notice:\s+Explicit Text: Mind the gap\s+CPS: https:\/\/example\.com\/cps/);
  assert.match(text, /TLS Web Server Authentication, TLS Web Client Authentication, Code Signing, E-mail Protection, (ipsec Internet Key Exchange|1\.3\.6\.1\.5\.5\.7\.3\.17)/i);
  assert.match(text, /CA:FALSE/);
});

test("no_store leaves nothing behind, exclude_cn and remove_roots do what they say", async () => {
  const pki = await createPkiWithRoot();
  await pki.ask("POST", "roles/fleeting", { allow_any_name: true, key_type: "ec", no_store: true });
  const before = pki.store.index();
  const issued = await pki.data("POST", "issue/fleeting", { common_name: "a.example.com", exclude_cn_from_sans: true, remove_roots_from_chain: true });
  assert.equal(pki.store.index(), before);
  assert.equal("ca_chain" in issued, false);
  assert.equal((await pki.request("GET", `pki/cert/${issued["serial_number"]}`)).status, 404);
});

test("a certificate with a lease is revoked by the lease's end", async () => {
  const pki = await createPkiWithRoot();
  await pki.ask("POST", "roles/leased", { allow_any_name: true, key_type: "ec", generate_lease: true });
  const { body } = await pki.ask("POST", "issue/leased", { common_name: "a.example.com", ttl: "1h" });
  assert.match(body["lease_id"], /^pki\/issue\/leased\//);
  assert.deepEqual([body["lease_duration"], body["renewable"]], [3600, false]);
  await pki.request("POST", "sys/leases/revoke", { lease_id: body["lease_id"] });
  await pki.doDueWork();
  assert.ok((await pki.data("GET", `cert/${body["data"].serial_number}`))["revocation_time"] > 0);
});

test("policies decide who issues, and certificates are public", async () => {
  const pki = await createPkiWithRoot();
  const token = await pki.tokenWith('path "pki/issue/any" { capabilities = ["update"] }');
  assert.equal((await pki.request("POST", "pki/issue/any", { common_name: "a.example.com" }, { token })).status, 200);
  assert.equal((await pki.request("POST", "pki/root/generate/internal", { common_name: "x" }, { token })).status, 403);
  assert.equal((await pki.request("DELETE", "pki/root", undefined, { token })).status, 403);
  for (const path of ["ca", "ca/pem", "ca_chain", "crl", "crl/pem", "issuer/default/pem", "issuer/default/json", "issuer/default/crl/der", "cert/ca", "cert/crl"]) assert.equal((await pki.request("GET", `pki/${path}`, undefined, { token: "" })).status, 200, path);
  assert.equal((await pki.request("GET", "pki/issuer/default", undefined, { token: "" })).status, 403);
});
