import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { bitString, integer, NULL, oid, sequence, setOf, tlv, utf8String } from "./der.js";
import { OID } from "./oids.js";
import { atSeconds, createPkiWithRoot, openSsl } from "./testing.js";

async function withRequest(t: TestContext, key: readonly string[] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]) {
  const openssl = openSsl(t);
  const path = openssl.file("r.csr", "");
  openssl("req", "-new", ...key, "-nodes", "-keyout", "k.pem", "-out", path, "-subj", "/CN=c.example.com/O=Foo", "-addext", "subjectAltName=DNS:c.example.com,DNS:d.example.com,IP:10.0.0.1", "-addext", "keyUsage=critical,dataEncipherment", "-addext", "basicConstraints=CA:TRUE");
  return { openssl, csr: readFileSync(path, "utf8"), pki: await createPkiWithRoot() };
}

test("a request's names are taken where the role says so, the subject's rest is the role's, and it becomes no CA", async (t) => {
  const { openssl, csr, pki } = await withRequest(t);
  await pki.ask("POST", "roles/web", { allowed_domains: "example.com", allow_subdomains: true, key_type: "ec", organization: "Bar" });
  const { body } = await pki.ask("POST", "sign/web", { csr, ttl: "1h", common_name: "x.example.com" });
  assert.deepEqual(body.warnings, ['the common_name field was provided but the role is set with "use_csr_common_name" set to true', "specified CSR contained a Basic Constraints extension that was ignored during issuance"]);
  assert.deepEqual(Object.keys(body["data"]).sort(), ["ca_chain", "certificate", "expiration", "issuing_ca", "serial_number"]);
  const leaf = openssl.file("c.pem", body["data"].certificate);
  const text = openssl("x509", "-in", leaf, "-noout", "-text");
  assert.match(text, /Subject: O = Bar, CN = c\.example\.com/);
  assert.match(text, /DNS:c\.example\.com, DNS:d\.example\.com, IP Address:10\.0\.0\.1/);
  assert.doesNotMatch(text, /CA:TRUE|Data Encipherment/);
  assert.match(openssl("verify", "-attime", atSeconds(pki), "-CAfile", openssl.file("root.pem", pki.root), leaf), /OK/);
  await pki.ask("POST", "roles/own", { allowed_domains: "example.com", allow_subdomains: true, key_type: "any", use_csr_common_name: false, use_csr_sans: false });
  const own = await pki.data("POST", "sign/own", { csr, ttl: "1h", common_name: "x.example.com", alt_names: "y.example.com" });
  assert.match(openssl("x509", "-in", openssl.file("o.pem", own["certificate"]), "-noout", "-ext", "subjectAltName"), /DNS:x\.example\.com, DNS:y\.example\.com\s*$/);
  await pki.ask("POST", "roles/other", { allowed_domains: "example.org", allow_subdomains: true, key_type: "ec" });
  assert.match(await pki.refusal("sign/other", { csr }), /common name c\.example\.com not allowed/);
  await pki.ask("POST", "roles/rsa", { allow_any_name: true, key_type: "rsa" });
  assert.match(await pki.refusal("sign/rsa", { csr }), /role requires keys of type rsa/);
  await pki.ask("POST", "roles/big", { allow_any_name: true, key_type: "ec", key_bits: 384 });
  assert.match(await pki.refusal("sign/big", { csr }), /minimum of a 384-bit key/);
});

test("sign-verbatim keeps subject and extensions, but for basic constraints", async (t) => {
  const { openssl, csr, pki } = await withRequest(t);
  await pki.ask("POST", "roles/times", { key_type: "rsa", ttl: "2h", no_store: true });
  for (const path of ["sign-verbatim", "sign-verbatim/times", "issuer/default/sign-verbatim", "issuer/default/sign-verbatim/times"]) {
    const made = await pki.data("POST", path, { csr, ...(path.endsWith("times") ? {} : { ttl: "2h" }) });
    const text = openssl("x509", "-in", openssl.file("v.pem", made["certificate"]), "-noout", "-text");
    assert.match(text, /Subject: CN = c\.example\.com, O = Foo/);
    assert.match(text, /Key Usage: critical\s+Data Encipherment/);
    assert.doesNotMatch(text, /CA:TRUE|TLS Web/);
    assert.equal(made["expiration"], pki.clock.now() / 1000 + 7200);
    assert.equal((await pki.request("GET", `pki/cert/${made["serial_number"]}`)).status, path.endsWith("times") ? 404 : 200);
  }
  assert.match(await pki.refusal("sign-verbatim/none", { csr }), /unknown role: none/);
});

test("keys of each kind sign their requests", async (t) => {
  for (const key of [["-newkey", "rsa:2048"], ["-newkey", "ed25519"], ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"]]) {
    const { csr, pki, openssl } = await withRequest(t, key);
    const made = await pki.data("POST", "sign-verbatim", { csr, ttl: "1h" });
    assert.equal(openssl("x509", "-in", openssl.file("c.pem", made["certificate"]), "-noout", "-pubkey"), openssl("pkey", "-in", "k.pem", "-pubout"));
  }
  const { csr, pki } = await withRequest(t, ["-newkey", "rsa:1024"]);
  assert.match(await pki.refusal("sign-verbatim", { csr }), /minimum of a 2048-bit key/);
});

test("a request that was changed, or is none, is refused", async (t) => {
  const { csr, pki } = await withRequest(t);
  const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ""), "base64");
  der[der.indexOf("c.example.com")] = 0x64;
  const changed = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
  assert.match(await pki.refusal("sign/any", { csr: changed }), /signature invalid/);
  assert.match(await pki.refusal("sign/any", { csr: "" }), /"csr" is empty/);
  assert.match(await pki.refusal("sign/any", { csr: "x" }), /contains no data/);
  assert.match(await pki.refusal("sign/any", { csr: "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----" }), /not complete/);
});

test("requests that are hostile are refused with a clear error, and leave nothing", async (t) => {
  const { csr, pki, openssl } = await withRequest(t);
  const request = (...key: readonly string[]) => {
    const path = openssl.file("h.csr", "");
    openssl("req", "-new", ...key, "-nodes", "-keyout", "h.pem", "-out", path, "-subj", "/CN=c.example.com");
    return readFileSync(path, "utf8");
  };
  const wrap = (der: Uint8Array) => `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
  const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const cut = (length: number) => wrap(der.subarray(0, length));
  const deep = Buffer.concat([...Array<Buffer>(20_000).fill(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])), Buffer.from([5, 0])]);
  const before = pki.store.index();
  await pki.ask("POST", "roles/curve", { allow_any_name: true, key_type: "any" });
  const hostile: Readonly<Record<string, string>> = {
    secp256k1: request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
    brainpool: request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"),
    "parameters of its own": request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"),
    ed448: request("-newkey", "ed448"),
    "rsa of 1024 bits": request("-newkey", "rsa:1024"),
    "sha1": request("-newkey", "rsa:2048", "-sha1"),
    empty: wrap(Buffer.alloc(0)),
    "cut off": cut(40),
    "without its signature": cut(der.length - 20),
    "with something behind it": wrap(Buffer.concat([der, Buffer.alloc(8)])),
    "of great depth": wrap(deep),
    "of random bytes": wrap(Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 197 + 13) & 0xff))),
    "of great length": wrap(Buffer.alloc(2_000_000, 0x30)),
    "a certificate": pki.root,
  };
  for (const [what, text] of Object.entries(hostile)) {
    for (const path of ["sign/curve", "sign-verbatim", "root/sign-intermediate"]) {
      const message = await pki.refusal(path, { csr: text, common_name: "c.example.com" });
      assert.ok(message.length > 0 && message.length < 300 && !/\bat \w+ \(|undefined|node:/.test(message), `${what}: ${message}`);
    }
  }
  // What is signed ends where the signature's algorithm begins: ecdsa-with-SHA256 in a SEQUENCE.
  const signedEnd = der.indexOf(Buffer.from("300a06082a8648ce3d040302", "hex"));
  for (let at = 0; at < signedEnd; at++) {
    const broken = Buffer.from(der);
    broken[at]! ^= 0x55;
    const { status } = await pki.request("POST", "pki/sign/curve", { csr: wrap(broken) });
    assert.equal(status, 400, `byte ${at}`);
  }
  assert.equal(pki.store.index(), before + 1);
});

/** Whoever knows the modulus can make this: with an exponent of 1 a signature is what it signs. */
function withExponentOne(): Buffer {
  const { n } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  const spki = createPublicKey({ key: { kty: "RSA", n: n!, e: "AQ" }, format: "jwk" }).export({ type: "spki", format: "der" });
  const info = sequence(integer(0), sequence(setOf(sequence(oid(OID.commonName), utf8String("c.example.com")))), spki, tlv(0xa0));
  const digestInfo = sequence(sequence(oid(OID.sha256), NULL), tlv(0x04, createHash("sha256").update(info).digest()));
  const padded = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(256 - 3 - digestInfo.length, 0xff), Buffer.of(0), digestInfo]);
  return sequence(info, sequence(oid("1.2.840.113549.1.1.11"), NULL), bitString(padded));
}

test("a key that anybody can sign with is refused", async () => {
  const pki = await createPkiWithRoot();
  const csr = `-----BEGIN CERTIFICATE REQUEST-----\n${withExponentOne().toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
  assert.match(await pki.refusal("sign-verbatim", { csr, ttl: "1h" }), /public exponent that protects nothing/);
});
