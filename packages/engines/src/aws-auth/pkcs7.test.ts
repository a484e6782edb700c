import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, test } from "node:test";
import type { ReadStorage } from "@coffer/state-machine";
import { createDocumentSigner } from "../testing/identity-documents.js";
import { verifiedDocument } from "./identity-document.js";
import { signedContent, trustedSigner } from "./pkcs7.js";
import { REGION_CERTIFICATES } from "./region-certificates.js";

const rsa = createDocumentSigner("rsa");
const dsa = createDocumentSigner("dsa");
const stranger = createDocumentSigner("rsa");
after(() => [rsa, dsa, stranger].forEach((one) => one.end()));
const trusted = [rsa, dsa].map(({ certificate }) => trustedSigner(new X509Certificate(certificate)));
const read = (text: string) => signedContent(text, trusted)?.toString();
const DOCUMENT = '{"a": "b"}';

test("what OpenSSL signs is read: RSA and DSA, with and without attributes, certificates and definite lengths", () => {
  for (const signer of [rsa, dsa]) {
    for (const flags of [[], ["-noattr"], ["-nocerts"], ["-stream"], ["-noattr", "-nocerts", "-stream"]]) assert.equal(read(signer.pkcs7(DOCUMENT, flags)), DOCUMENT, flags.join(" "));
  }
  assert.equal(read(`-----BEGIN PKCS7-----\n${rsa.pkcs7(DOCUMENT)}\n-----END PKCS7-----`), DOCUMENT);
});

test("nothing else is: other signers, other content, none, cut off, changed anywhere", () => {
  assert.equal(read(stranger.pkcs7(DOCUMENT)), undefined);
  assert.equal(read(rsa.pkcs7(DOCUMENT, ["-keyid"])), undefined);
  const good = Buffer.from(rsa.pkcs7(DOCUMENT), "base64");
  for (const text of ["", "A", "%%%", "AAAA", good.subarray(0, 200).toString("base64"), good.subarray(0, -1).toString("base64"), `${"A".repeat(20_000)}`]) assert.equal(read(text), undefined);
  const at = good.indexOf(DOCUMENT);
  const forged = Buffer.from(good);
  forged.write('{"a": "c"}', at);
  assert.equal(read(forged.toString("base64")), undefined, "another content");
  for (let i = 0; i < good.length; i += 7) {
    const changed = Buffer.from(good);
    changed[i]! ^= 0x01;
    const result = read(changed.toString("base64"));
    assert.ok(result === undefined || result === DOCUMENT, `byte ${i}`);
  }
});

test("a signature under another's name is no signature", () => {
  // A stranger's message that says to be by a trusted certificate has the wrong key behind it.
  const key = trustedSigner(new X509Certificate(stranger.certificate)).key;
  assert.equal(signedContent(rsa.pkcs7(DOCUMENT), [{ name: trusted[0]!.name, key }]), undefined);
});

test("AWS's certificates are certificates, each there once, by AWS", () => {
  const certificates = REGION_CERTIFICATES.trim().split("\n").map((line) => new X509Certificate(Buffer.from(line, "base64")));
  assert.equal(new Set(certificates.map(({ fingerprint256 }) => fingerprint256)).size, certificates.length);
  for (const one of certificates) {
    assert.match(one.subject, /O=Amazon/);
    assert.match(trustedSigner(one).name, /^[0-9a-f]+ [0-9a-f]+$/);
    assert.ok(["rsa", "dsa"].includes(one.publicKey.asymmetricKeyType!));
  }
});

/**
 * The document of a real instance of us-east-1, of 2016, signed by AWS.
 * Source: the test of DSA signatures in https://github.com/mozilla-services/pkcs7 (verify_test.go, EC2IdentityDocumentFixture; MIT).
 */
const BY_AWS = `
MIAGCSqGSIb3DQEHAqCAMIACAQExCzAJBgUrDgMCGgUAMIAGCSqGSIb3DQEHAaCA
JIAEggGmewogICJwcml2YXRlSXAiIDogIjE3Mi4zMC4wLjI1MiIsCiAgImRldnBh
eVByb2R1Y3RDb2RlcyIgOiBudWxsLAogICJhdmFpbGFiaWxpdHlab25lIiA6ICJ1
cy1lYXN0LTFhIiwKICAidmVyc2lvbiIgOiAiMjAxMC0wOC0zMSIsCiAgImluc3Rh
bmNlSWQiIDogImktZjc5ZmU1NmMiLAogICJiaWxsaW5nUHJvZHVjdHMiIDogbnVs
bCwKICAiaW5zdGFuY2VUeXBlIiA6ICJ0Mi5taWNybyIsCiAgImFjY291bnRJZCIg
OiAiMTIxNjU5MDE0MzM0IiwKICAiaW1hZ2VJZCIgOiAiYW1pLWZjZTNjNjk2IiwK
ICAicGVuZGluZ1RpbWUiIDogIjIwMTYtMDQtMDhUMDM6MDE6MzhaIiwKICAiYXJj
aGl0ZWN0dXJlIiA6ICJ4ODZfNjQiLAogICJrZXJuZWxJZCIgOiBudWxsLAogICJy
YW1kaXNrSWQiIDogbnVsbCwKICAicmVnaW9uIiA6ICJ1cy1lYXN0LTEiCn0AAAAA
AAAxggEYMIIBFAIBATBpMFwxCzAJBgNVBAYTAlVTMRkwFwYDVQQIExBXYXNoaW5n
dG9uIFN0YXRlMRAwDgYDVQQHEwdTZWF0dGxlMSAwHgYDVQQKExdBbWF6b24gV2Vi
IFNlcnZpY2VzIExMQwIJAJa6SNnlXhpnMAkGBSsOAwIaBQCgXTAYBgkqhkiG9w0B
CQMxCwYJKoZIhvcNAQcBMBwGCSqGSIb3DQEJBTEPFw0xNjA0MDgwMzAxNDRaMCMG
CSqGSIb3DQEJBDEWBBTuUc28eBXmImAautC+wOjqcFCBVjAJBgcqhkjOOAQDBC8w
LQIVAKA54NxGHWWCz5InboDmY/GHs33nAhQ6O/ZI86NwjA9Vz3RNMUJrUPU5tAAA
AAAAAA==`;

test("a document that AWS itself has signed is taken by the certificates that are shipped, and not once it is changed", async () => {
  const storage = { list: () => Promise.resolve([]) } as unknown as ReadStorage;
  const shown = (pkcs7: string) => verifiedDocument(storage, { pkcs7, identity: "", signature: "" });
  assert.deepEqual(await shown(BY_AWS), { accountId: "121659014334", imageId: "ami-fce3c696", instanceId: "i-f79fe56c", region: "us-east-1", pendingMs: Date.parse("2016-04-08T03:01:38Z") });
  const changed = Buffer.from(BY_AWS, "base64");
  changed.write("i-f79fe56d", changed.indexOf("i-f79fe56c"));
  await assert.rejects(shown(changed.toString("base64")), /failed to verify the PKCS#7 signature/);
});
