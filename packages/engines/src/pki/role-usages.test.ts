import assert from "node:assert/strict";
import { test } from "node:test";
import { createPki, createPkiWithRoot, openSsl } from "./testing.js";

/** Go's names, as Vault's API has them, and what OpenSSL calls the same. */
const KEY_USAGES = {
  DigitalSignature: "Digital Signature", ContentCommitment: "Non Repudiation", KeyEncipherment: "Key Encipherment", DataEncipherment: "Data Encipherment", KeyAgreement: "Key Agreement",
  CertSign: "Certificate Sign", CRLSign: "CRL Sign", EncipherOnly: "Encipher Only", DecipherOnly: "Decipher Only",
};
const EXT_KEY_USAGES = {
  Any: "Any Extended Key Usage", ServerAuth: "TLS Web Server Authentication", ClientAuth: "TLS Web Client Authentication", CodeSigning: "Code Signing", EmailProtection: "E-mail Protection", IPSECEndSystem: "IPSec End System",
  IPSECTunnel: "IPSec Tunnel", IPSECUser: "IPSec User", TimeStamping: "Time Stamping", OCSPSigning: "OCSP Signing", MicrosoftServerGatedCrypto: "Microsoft Server Gated Crypto", NetscapeServerGatedCrypto: "Netscape Server Gated Crypto",
};

test("each usage of a key that a role names is the one that OpenSSL reads", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const read = async (settings: Record<string, unknown>, extension: string) => {
    await pki.ask("POST", "roles/used", { allow_any_name: true, key_type: "ec", server_flag: false, client_flag: false, ...settings });
    const { certificate } = await pki.data("POST", "issue/used", { common_name: "a.example.com" });
    return openssl("x509", "-in", openssl.file("c.pem", certificate), "-noout", "-ext", extension).split("\n").at(-2)!.trim();
  };
  for (const [name, shown] of Object.entries(KEY_USAGES)) assert.equal(await read({ key_usage: name }, "keyUsage"), shown);
  assert.equal(await read({ key_usage: Object.keys(KEY_USAGES).map((name) => name.toUpperCase()) }, "keyUsage"), Object.values(KEY_USAGES).join(", "));
  for (const [name, shown] of Object.entries(EXT_KEY_USAGES)) assert.equal(await read({ ext_key_usage: name }, "extendedKeyUsage"), shown);
  assert.equal(await read({ ext_key_usage: "serverauth", ext_key_usage_oids: "1.3.6.1.5.5.7.3.2,1.3.6.1.4.1.99999.1", client_flag: true }, "extendedKeyUsage"), "TLS Web Server Authentication, TLS Web Client Authentication, 1.3.6.1.4.1.99999.1");
  assert.equal(await read({ policy_identifiers: "1.3.6.1.4.1.99999.2,2.23.140.1.2.1" }, "certificatePolicies"), "Policy: 2.23.140.1.2.1");
  await pki.ask("POST", "roles/used", { allow_any_name: true, key_type: "ec", server_flag: false, client_flag: false, key_usage: [] });
  const { certificate } = await pki.data("POST", "issue/used", { common_name: "a.example.com" });
  // Not "CA:", which key identifiers in hexadecimal contain now and then.
  assert.doesNotMatch(openssl("x509", "-in", openssl.file("n.pem", certificate), "-noout", "-text"), /Key Usage|Policies|Basic Constraints/);
});

test("signature_bits and use_pss choose how an RSA issuer signs; a curve has its own hash", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPki();
  for (const [issuer_name, key_type, key_bits] of [["rsa", "rsa", 2048], ["p384", "ec", 384]] as const) await pki.data("POST", "root/generate/internal", { common_name: issuer_name, issuer_name, key_type, key_bits, ttl: "100h" });
  const shown = async (settings: Record<string, unknown>) => {
    await pki.ask("POST", "roles/signed", { allow_any_name: true, key_type: "ec", ...settings });
    const { certificate, issuing_ca } = await pki.data("POST", "issue/signed", { common_name: "a.example.com", ttl: "1h" });
    const leaf = openssl.file("c.pem", certificate);
    assert.match(openssl("verify", "-attime", String(pki.clock.now() / 1000), "-CAfile", openssl.file("ca.pem", issuing_ca), leaf), /OK/);
    const text = openssl("x509", "-in", leaf, "-noout", "-text");
    return [/Signature Algorithm: (\S+)/.exec(text)![1], /Salt Length: (\S+)/.exec(text)?.[1]];
  };
  for (const [bits, name] of [[0, "sha256"], [256, "sha256"], [384, "sha384"], [512, "sha512"]] as const) {
    assert.deepEqual(await shown({ issuer_ref: "rsa", signature_bits: bits }), [`${name}WithRSAEncryption`, undefined]);
    assert.deepEqual(await shown({ issuer_ref: "rsa", signature_bits: bits, use_pss: true }), ["rsassaPss", `0x${((bits || 256) / 8).toString(16).toUpperCase()}`]);
  }
  assert.deepEqual(await shown({ issuer_ref: "p384", signature_bits: 256 }), ["ecdsa-with-SHA384", undefined]);
});
